"""Tables of external tools that play modules for us, and of everything they tell us."""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import ForeignKey, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from plugin.core.base import AppendOnly, Base, EnumText, IntKey, JsonDict, JsonList
from plugin.lti.signing_keys import SigningKey


class ToolState(StrEnum):
    PENDING = "pending"
    """It registered itself and waits for an admin."""
    ACTIVE = "active"
    DISABLED = "disabled"


class MessageFor(StrEnum):
    """What a launch of ours is about."""

    PLAY = "play"
    PICK = "pick"


class ExternalTool(Base):
    """A tool that an organization lets play modules. Each sees us under an issuer of its own."""

    __tablename__ = "external_tool"
    __table_args__ = (Index(None, "organization_id"),)

    id: Mapped[IntKey]
    organization_id: Mapped[int] = mapped_column(ForeignKey("organization.id"))
    uid: Mapped[str] = mapped_column(unique=True)
    client_id: Mapped[str] = mapped_column(unique=True)
    name: Mapped[str]
    login_url: Mapped[str]
    redirect_urls: Mapped[JsonList]
    jwks_url: Mapped[str]
    target_url: Mapped[str]
    picker_url: Mapped[str | None]
    """Where its content is picked (deep linking); None when it offers no choice."""
    custom: Mapped[JsonDict]
    scopes: Mapped[JsonList]
    """The services it may use; a token never holds more."""
    shares_name: Mapped[bool] = mapped_column(default=False)
    shares_email: Mapped[bool] = mapped_column(default=False)
    state: Mapped[ToolState] = mapped_column(EnumText(ToolState))
    created_at: Mapped[datetime]


class ToolInvitation(Base):
    """An address for a tool that registers itself: once, for one organization.

    The tool's uid is chosen with it, because the configuration it reads first already names it.
    """

    __tablename__ = "tool_invitation"
    __table_args__ = (Index(None, "organization_id"),)

    id: Mapped[IntKey]
    organization_id: Mapped[int] = mapped_column(ForeignKey("organization.id"))
    uid: Mapped[str] = mapped_column(unique=True)
    token_hash: Mapped[str] = mapped_column(unique=True)
    created_by: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    used_at: Mapped[datetime | None]


class PlatformKey(SigningKey):
    """One of our signing keys towards one tool; the private half is sealed."""

    __tablename__ = "platform_key"
    __table_args__ = (
        Index(None, "tool_id"),
        Index(
            "uq_platform_key_signs",
            "tool_id",
            unique=True,
            sqlite_where=text("retired_at IS NULL"),
            postgresql_where=text("retired_at IS NULL"),
        ),
    )

    id: Mapped[IntKey]
    organization_id: Mapped[int] = mapped_column(ForeignKey("organization.id"))
    tool_id: Mapped[int] = mapped_column(ForeignKey("external_tool.id"))


class ToolLink(Base):
    """What one version of a module opens in a tool; `uid` is the resource link's id there."""

    __tablename__ = "tool_link"
    __table_args__ = (Index(None, "tool_id"), Index(None, "module_id"))

    id: Mapped[IntKey]
    organization_id: Mapped[int] = mapped_column(ForeignKey("organization.id"))
    tool_id: Mapped[int] = mapped_column(ForeignKey("external_tool.id"))
    module_id: Mapped[int] = mapped_column(ForeignKey("module.id"))
    module_version_id: Mapped[int] = mapped_column(ForeignKey("module_version.id"), unique=True)
    uid: Mapped[str] = mapped_column(unique=True)
    title: Mapped[str]
    target_url: Mapped[str]
    custom: Mapped[JsonDict]


class PairwiseId(Base):
    """What one tool calls one person: no other tool hears the same name."""

    __tablename__ = "pairwise_id"
    __table_args__ = (
        UniqueConstraint("tool_id", "person_id"),
        UniqueConstraint("tool_id", "subject"),
    )

    id: Mapped[IntKey]
    organization_id: Mapped[int] = mapped_column(ForeignKey("organization.id"))
    tool_id: Mapped[int] = mapped_column(ForeignKey("external_tool.id"))
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"))
    subject: Mapped[str]


class ToolLaunch(Base):
    """A launch under way: the hints a tool brings back, once, in the browser that began it."""

    __tablename__ = "tool_launch"
    __table_args__ = (Index(None, "expires_at"),)

    id: Mapped[IntKey]
    organization_id: Mapped[int] = mapped_column(ForeignKey("organization.id"))
    tool_id: Mapped[int] = mapped_column(ForeignKey("external_tool.id"))
    purpose: Mapped[MessageFor] = mapped_column(EnumText(MessageFor))
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"))
    sign_in_id: Mapped[int]
    run_id: Mapped[int | None] = mapped_column(ForeignKey("run.id"))
    target_url: Mapped[str]
    login_hash: Mapped[str] = mapped_column(unique=True)
    message_hash: Mapped[str]
    in_window: Mapped[bool]
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    used_at: Mapped[datetime | None]
    answer_hash: Mapped[str | None] = mapped_column(unique=True)
    """Of the address a choice of content comes back to."""
    answered_at: Mapped[datetime | None]


class AccessToken(Base):
    """An access token of a tool; the database keeps its hash."""

    __tablename__ = "tool_access_token"
    __table_args__ = (Index(None, "expires_at"),)

    id: Mapped[IntKey]
    organization_id: Mapped[int] = mapped_column(ForeignKey("organization.id"))
    tool_id: Mapped[int] = mapped_column(ForeignKey("external_tool.id"))
    token_hash: Mapped[str] = mapped_column(unique=True)
    scopes: Mapped[JsonList]
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]


class SeenToken(Base):
    """The id of a signed message of a tool: the same message does nothing a second time."""

    __tablename__ = "tool_seen_token"
    __table_args__ = (UniqueConstraint("tool_id", "jti"), Index(None, "expires_at"))

    id: Mapped[IntKey]
    organization_id: Mapped[int] = mapped_column(ForeignKey("organization.id"))
    tool_id: Mapped[int] = mapped_column(ForeignKey("external_tool.id"))
    jti: Mapped[str]
    expires_at: Mapped[datetime]


class ToolColumn(Base):
    """A line item of a tool. The one with a `link_id` counts to completion; others only keep."""

    __tablename__ = "tool_column"
    __table_args__ = (Index(None, "tool_id"),)

    id: Mapped[IntKey]
    organization_id: Mapped[int] = mapped_column(ForeignKey("organization.id"))
    tool_id: Mapped[int] = mapped_column(ForeignKey("external_tool.id"))
    uid: Mapped[str] = mapped_column(unique=True)
    link_id: Mapped[int | None] = mapped_column(ForeignKey("tool_link.id"), unique=True)
    bound_link_id: Mapped[int | None] = mapped_column(ForeignKey("tool_link.id"))
    """Of a column the tool made itself: the resource link it named."""
    label: Mapped[str]
    score_maximum: Mapped[float]
    resource_id: Mapped[str | None]
    tag: Mapped[str | None]
    start_at: Mapped[datetime | None]
    end_at: Mapped[datetime | None]
    created_at: Mapped[datetime]
    removed_at: Mapped[datetime | None]


class ScoreCallback(AppendOnly, Base):
    """What a tool said of a person, word by word, before anything was made of it."""

    __tablename__ = "score_callback"
    __table_args__ = (
        UniqueConstraint("column_id", "person_id", "stamped_at"),
        Index(None, "tool_id", "received_at"),
        Index(None, "tool_id", "person_id", "received_at"),
    )

    id: Mapped[IntKey]
    organization_id: Mapped[int] = mapped_column(ForeignKey("organization.id"))
    tool_id: Mapped[int] = mapped_column(ForeignKey("external_tool.id"))
    column_id: Mapped[int] = mapped_column(ForeignKey("tool_column.id"))
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"))
    run_id: Mapped[int | None] = mapped_column(ForeignKey("run.id"))
    body: Mapped[str]
    digest: Mapped[str]
    stamped_at: Mapped[datetime]
    """The tool's own timestamp, which orders what it says."""
    received_at: Mapped[datetime]
    is_final: Mapped[bool]
    """Fully graded: what its gradebook would show."""
    score: Mapped[float | None]
    """As a share of its own maximum, 0 to 1."""
    comment: Mapped[str | None]
    outcome: Mapped[str]
    """What we made of it: see `rules.Outcome`."""
