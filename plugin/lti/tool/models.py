"""Tables of LMS installations that trust us, their keys, and logins under way."""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import ForeignKey, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from plugin.core.base import Base, EnumText, IntKey, JsonDict, JsonList
from plugin.lti.signing_keys import SigningKey


class RegistrationState(StrEnum):
    ACTIVE = "active"
    DISABLED = "disabled"


class Registration(Base):
    """One LMS installation: its issuer, our client id there, its addresses."""

    __tablename__ = "registration"
    __table_args__ = (UniqueConstraint("issuer", "client_id"),)

    id: Mapped[IntKey]
    organization_id: Mapped[int] = mapped_column(ForeignKey("organization.id"), index=True)
    uid: Mapped[str] = mapped_column(unique=True)
    name: Mapped[str]
    issuer: Mapped[str]
    client_id: Mapped[str]
    auth_url: Mapped[str]
    token_url: Mapped[str]
    jwks_url: Mapped[str]
    token_audience: Mapped[str | None]
    state: Mapped[RegistrationState] = mapped_column(EnumText(RegistrationState))
    admins_by_role: Mapped[bool] = mapped_column(default=False)
    extra_origins: Mapped[JsonList]
    product: Mapped[str | None]
    """What the LMS calls its make (`product_family_code`), as far as it said so."""
    scopes: Mapped[JsonList]
    """The services it granted at registration; empty when registered by hand."""
    their_kid: Mapped[str | None]
    """The LMS's key that signed the newest verified message, noted at most once an hour."""
    their_kid_at: Mapped[datetime | None]
    created_at: Mapped[datetime]


class FormerAddress(Base):
    """Where a registration answered before the LMS registered it again; for a while it still does.

    An LMS may go on using the old addresses until somebody there approves the new ones.
    """

    __tablename__ = "former_address"
    __table_args__ = (Index(None, "registration_id"),)

    id: Mapped[IntKey]
    organization_id: Mapped[int] = mapped_column(ForeignKey("organization.id"))
    registration_id: Mapped[int] = mapped_column(ForeignKey("registration.id"))
    uid: Mapped[str] = mapped_column(unique=True)
    ended_at: Mapped[datetime]
    until_at: Mapped[datetime]


class Invitation(Base):
    """An address to type into an LMS, which then registers itself: once, for one organization.

    `claimed_at` is when an LMS last began; a claim that came to nothing may be taken again.
    """

    __tablename__ = "invitation"
    __table_args__ = (Index(None, "organization_id"),)

    id: Mapped[IntKey]
    organization_id: Mapped[int] = mapped_column(ForeignKey("organization.id"))
    token_hash: Mapped[str] = mapped_column(unique=True)
    name: Mapped[str]
    admins_by_role: Mapped[bool]
    created_by: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    claimed_at: Mapped[datetime | None]
    used_at: Mapped[datetime | None]
    withdrawn_at: Mapped[datetime | None]
    registration_id: Mapped[int | None] = mapped_column(ForeignKey("registration.id"))


class Deployment(Base):
    """Where a registration is installed. One that an admin has not accepted admits nobody."""

    __tablename__ = "deployment"
    __table_args__ = (UniqueConstraint("registration_id", "deployment_id"),)

    id: Mapped[IntKey]
    organization_id: Mapped[int] = mapped_column(ForeignKey("organization.id"))
    registration_id: Mapped[int] = mapped_column(ForeignKey("registration.id"))
    deployment_id: Mapped[str]
    created_at: Mapped[datetime]
    accepted_at: Mapped[datetime | None]
    """Empty: a launch named it, and it waits for an admin."""


class ToolKey(SigningKey):
    """One of our signing keys for one registration; the private half is sealed."""

    __tablename__ = "tool_key"
    __table_args__ = (
        Index(None, "registration_id"),
        Index(
            "uq_tool_key_signs",
            "registration_id",
            unique=True,
            sqlite_where=text("retired_at IS NULL"),
            postgresql_where=text("retired_at IS NULL"),
        ),
    )

    id: Mapped[IntKey]
    organization_id: Mapped[int] = mapped_column(ForeignKey("organization.id"))
    registration_id: Mapped[int] = mapped_column(ForeignKey("registration.id"))
    fetched_at: Mapped[datetime | None]
    """When somebody last read it from our key set, noted at most once an hour."""
    proven_at: Mapped[datetime | None]
    """When the LMS last gave access for its signature: so it has this key."""


class Login(Base):
    """One OpenID Connect login under way; used once, by one atomic update.

    A launch whose browser kept no cookie waits in `handover` for the press of a button.
    """

    __tablename__ = "lti_login"
    __table_args__ = (Index(None, "expires_at"),)

    id: Mapped[IntKey]
    organization_id: Mapped[int] = mapped_column(ForeignKey("organization.id"))
    registration_id: Mapped[int] = mapped_column(ForeignKey("registration.id"))
    state_hash: Mapped[str] = mapped_column(unique=True)
    nonce_hash: Mapped[str]
    binding_hash: Mapped[str]
    target_link_uri: Mapped[str]
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    used_at: Mapped[datetime | None]
    handover_hash: Mapped[str | None] = mapped_column(unique=True)
    handover: Mapped[JsonDict | None]


class ContentRequest(Base):
    """A teacher is picking content: what the LMS accepts, and where the choice goes."""

    __tablename__ = "content_request"
    __table_args__ = (Index(None, "expires_at"),)

    id: Mapped[IntKey]
    organization_id: Mapped[int] = mapped_column(ForeignKey("organization.id"))
    registration_id: Mapped[int] = mapped_column(ForeignKey("registration.id"))
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"))
    deployment_id: Mapped[str]
    context_id: Mapped[str | None]
    """The course, if the LMS says which."""
    token_hash: Mapped[str] = mapped_column(unique=True)
    settings: Mapped[JsonDict]
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]
