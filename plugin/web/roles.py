"""The three roles of an organization's people."""

from enum import StrEnum


class Role(StrEnum):
    """Admin: everything. Manager: the units granted. Learner: what is one's own."""

    LEARNER = "learner"
    MANAGER = "manager"
    ADMIN = "admin"
