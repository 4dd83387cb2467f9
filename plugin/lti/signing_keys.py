"""Our signing keys, of which each other system has its own: one signs, those before it are
published for a while."""

from datetime import datetime, timedelta
from typing import Any, TypeVar

from sqlalchemy import ColumnElement, select, update
from sqlalchemy.orm import Mapped, Session, mapped_column

from plugin.core.base import Base, JsonDict
from plugin.lti.pairs import new_pair
from plugin.lti.tool.errors import KeyReplacedError

OVERLAP = timedelta(days=2)
"""How long an old key is still published after a rotation: longer than anybody keeps a set."""


class SigningKey(Base):
    """What every table of keys has; the private half is sealed. Whose it is, the table says."""

    __abstract__ = True

    kid: Mapped[str] = mapped_column(unique=True)
    sealed_private_key: Mapped[str]
    public_jwk: Mapped[JsonDict]
    created_at: Mapped[datetime]
    retired_at: Mapped[datetime | None]


Key = TypeVar("Key", bound=SigningKey)


def make(
    session: Session, table: type[Key], *, encryption_key: str, now: datetime, **owner: int
) -> Key:
    """A new key pair for this owner; its `kid` is random and never used again."""
    pair = new_pair(encryption_key=encryption_key)
    key = table(
        **owner,
        kid=pair.kid,
        sealed_private_key=pair.sealed,
        public_jwk=pair.public_jwk,
        created_at=now,
    )
    session.add(key)
    return key


def signing(session: Session, table: type[Key], is_owners: ColumnElement[bool]) -> Key:
    """The key that signs: the owner's only one that is not retired."""
    return session.scalars(select(table).where(is_owners, table.retired_at.is_(None))).one()


def retire(
    session: Session,
    table: type[Key],
    is_owners: ColumnElement[bool],
    *,
    owner: Any,
    instead_of: str | None,
    now: datetime,
    **facts: int,
) -> None:
    """The key that signs makes way for another; it is published until `OVERLAP` is over.

    `instead_of` is the `kid` the caller saw signing: of two who press at once, one is told.
    """
    session.flush()  # what is read anew is not lost
    session.refresh(owner, with_for_update={"key_share": True})
    if instead_of and signing(session, table, is_owners).kid != instead_of:
        raise KeyReplacedError(**facts)
    session.execute(
        update(table).where(is_owners, table.retired_at.is_(None)).values(retired_at=now + OVERLAP)
    )
