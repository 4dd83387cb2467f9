"""Documents to acknowledge, brought in as the product does it."""

import io

from plugin.core import clock
from plugin.core.context import storage
from plugin.core.db import db, transaction
from plugin.documents import actions
from plugin.modules.models import Module
from plugin.org.models import Person
from tests.support.papers import pdf


def new_document(admin: Person, *, title: str = "Site rules", content: bytes = b"") -> Module:
    """A module that is this PDF."""
    organization_id, by = admin.organization_id, admin.id
    kept = actions.keep_pdf(storage(), organization_id, io.BytesIO(content or pdf()), scanner="")
    with transaction() as tx:
        module_id = actions.create(
            tx, organization_id, title=title, kept=kept, filename="rules.pdf", by=by,
            now=clock.now(),
        ).id  # fmt: skip
    return db.session.get_one(Module, module_id)


def new_version(admin: Person, module: Module, *, changes: str = "") -> None:
    """The module's next version."""
    by, module_id = admin.id, module.id
    source = io.BytesIO(pdf(changes or "New rules."))
    kept = actions.keep_pdf(storage(), module.organization_id, source, scanner="")
    with transaction() as tx:
        actions.add_version(
            tx, tx.session.get_one(Module, module_id), kept=kept, filename="rules-2.pdf",
            changes=changes, by=by, now=clock.now(),
        )  # fmt: skip
