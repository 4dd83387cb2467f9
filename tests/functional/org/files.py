"""Files of people, uploaded as an admin does it."""

import io
import re

from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from plugin.core.db import db
from plugin.org.import_models import ImportRow, PersonImport
from plugin.org.models import Unit, UnitKind
from tests.support.work import work_off
from tests.support.world import World

HEADER = "first name,last name,email,employee ID,role,groups,sites,regions"


def upload(client: FlaskClient, *rows: str, **form: str) -> TestResponse:
    """Send a file with the template's header and these rows."""
    content = "\r\n".join([HEADER, *rows, ""]).encode()
    return upload_bytes(client, content, **form)


def upload_bytes(
    client: FlaskClient,
    content: bytes,
    name: str = "people.csv",
    address: str = "/admin/imports/new",
    **form: str,
) -> TestResponse:
    return client.post(
        address,
        data={"file": (io.BytesIO(content), name), **form},
        content_type="multipart/form-data",
    )


def checked(client: FlaskClient, *rows: str, **form: str) -> int:
    """The id of an import that has been checked."""
    answer = upload(client, *rows, **form)
    assert answer.status_code == 303, answer.get_data(as_text=True)
    work_off()
    found = re.search(r"/imports/(\d+)", answer.headers["Location"])
    assert found
    return int(found[1])


def applied(client: FlaskClient, *rows: str, **form: str) -> int:
    """The id of an import whose good rows have been applied, with all that follows."""
    import_id = checked(client, *rows, **form)
    answer = client.post(f"/admin/imports/{import_id}/apply", data={"rows": "good"})
    assert answer.status_code == 303, answer.get_data(as_text=True)
    work_off()
    return import_id


def import_row(import_id: int) -> PersonImport:
    db.session.rollback()
    return db.session.get_one(PersonImport, import_id)


def findings(import_id: int) -> dict[int, str]:
    """What each line does."""
    db.session.rollback()
    rows = db.session.query(ImportRow).filter_by(import_id=import_id)
    return {row.line: row.outcome.value for row in rows}


def place(world: World, code: str, kind: UnitKind = UnitKind.SITE, name: str = "") -> Unit:
    """A unit with an ID code."""
    unit = world.unit(name or f"Place {code}", kind=kind)
    unit.id_code = code
    return world.add(unit)
