"""Tables of packages, launches of the player, and what content has said."""

from datetime import date, datetime
from enum import StrEnum

from sqlalchemy import BigInteger, ForeignKey, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from plugin.core.base import AppendOnly, Base, EnumText, IntKey, JsonDict, JsonList
from plugin.scorm.policy import NeverSet, ScoreRule

COURSE = ""
"""The part that stands for a SCORM 2004 course itself: what its sequencing engine stores."""


class PackageState(StrEnum):
    IMPORTING = "importing"
    READY = "ready"
    FAILED = "failed"


class Package(Base):
    """One uploaded zip; immutable once ready."""

    __tablename__ = "package"

    id: Mapped[IntKey]
    organization_id: Mapped[int] = mapped_column(ForeignKey("organization.id"), index=True)
    module_id: Mapped[int | None] = mapped_column(ForeignKey("module.id"))
    filename: Mapped[str]
    sha256: Mapped[str]
    size: Mapped[int] = mapped_column(BigInteger)
    upload_key: Mapped[str]
    base_key: Mapped[str | None]
    title: Mapped[str] = mapped_column(default="")
    trusts_status: Mapped[bool] = mapped_column(default=False)
    retraining_on: Mapped[date | None]
    """From when its uploader wants it learned anew; nothing is decided by that."""
    state: Mapped[PackageState] = mapped_column(EnumText(PackageState))
    percent: Mapped[int] = mapped_column(default=0)
    attempts: Mapped[int] = mapped_column(default=0)
    findings: Mapped[JsonList]
    manifest: Mapped[JsonDict | None]
    created_at: Mapped[datetime]
    created_by: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    finished_at: Mapped[datetime | None]


class ScormRules(Base):
    """How a module reads what its course reports, as its admin chose."""

    __tablename__ = "scorm_rules"

    module_id: Mapped[int] = mapped_column(ForeignKey("module.id"), primary_key=True)
    organization_id: Mapped[int] = mapped_column(ForeignKey("organization.id"))
    trusts_status: Mapped[bool] = mapped_column(default=False)
    pass_share: Mapped[float | None]
    never_set: Mapped[NeverSet] = mapped_column(EnumText(NeverSet), default=NeverSet.AUTO)
    score_rule: Mapped[ScoreRule] = mapped_column(EnumText(ScoreRule), default=ScoreRule.AVERAGE)
    shares_objectives: Mapped[bool] = mapped_column(default=False)
    weights: Mapped[JsonDict | None]
    """Of parts by their identifier; one without a weight has 1."""


class ScormShared(Base):
    """What courses that share objectives and data between each other left of a person."""

    __tablename__ = "scorm_shared"

    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"), primary_key=True)
    organization_id: Mapped[int] = mapped_column(ForeignKey("organization.id"))
    shared: Mapped[JsonDict]
    updated_at: Mapped[datetime]


class ScormLaunch(Base):
    """A way into the player for one run. Openings of a run are numbered; the newest one writes."""

    __tablename__ = "scorm_launch"
    __table_args__ = (Index(None, "run_id"),)

    id: Mapped[IntKey]
    organization_id: Mapped[int] = mapped_column(ForeignKey("organization.id"))
    run_id: Mapped[int] = mapped_column(ForeignKey("run.id"))
    token_hash: Mapped[str] = mapped_column(unique=True)
    frame_ancestors: Mapped[str]
    opening: Mapped[int] = mapped_column(default=0)
    is_review: Mapped[bool] = mapped_column(default=False)
    last_seq: Mapped[int] = mapped_column(default=0)
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    last_seen_at: Mapped[datetime]
    superseded_at: Mapped[datetime | None]
    closed_at: Mapped[datetime | None]


class ScormState(Base):
    """What one SCO of a run last stored."""

    __tablename__ = "scorm_state"
    __table_args__ = (UniqueConstraint("run_id", "sco_id"),)

    id: Mapped[IntKey]
    organization_id: Mapped[int] = mapped_column(ForeignKey("organization.id"))
    run_id: Mapped[int] = mapped_column(ForeignKey("run.id"))
    sco_id: Mapped[str]
    cmi: Mapped[JsonDict]
    is_status_set: Mapped[bool] = mapped_column(default=False)
    is_finished: Mapped[bool] = mapped_column(default=False)
    updated_at: Mapped[datetime]


class CommitEvent(AppendOnly, Base):
    """One accepted commit of the player; of one run, (opening, seq) only ever grows."""

    __tablename__ = "commit_event"
    __table_args__ = (UniqueConstraint("run_id", "opening", "seq"),)

    id: Mapped[IntKey]
    organization_id: Mapped[int] = mapped_column(ForeignKey("organization.id"))
    run_id: Mapped[int] = mapped_column(ForeignKey("run.id"))
    launch_id: Mapped[int] = mapped_column(ForeignKey("scorm_launch.id"))
    opening: Mapped[int]
    seq: Mapped[int]
    sco_id: Mapped[str]
    trigger: Mapped[str]
    at: Mapped[datetime]
    size: Mapped[int]
    sha256: Mapped[str]
    status: Mapped[str]
    score: Mapped[float | None]
