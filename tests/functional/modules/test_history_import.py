"""Imports of completions: checked, applied, silent, the same twice, and after a crash."""

import csv
import io
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import func, select

from plugin.assign.models import StoredStanding
from plugin.certs.models import Edition
from plugin.core import clock
from plugin.core.audit import AuditEntry
from plugin.core.db import db
from plugin.modules.models import Completion, CompletionSource, Module
from plugin.notify.models import Message
from plugin.org import importing
from plugin.org.import_models import ImportKind, ImportRow, ImportState
from plugin.org.models import Person, Unit
from plugin.web.roles import Role
from tests.functional.assign.places import row, training
from tests.functional.org.files import findings, import_row, upload_bytes
from tests.functional.org.test_imports import lines, page, work_off_later
from tests.support import smtp
from tests.support.days import inbox_of, subjects
from tests.support.queries import counted
from tests.support.scale import scale
from tests.support.work import work_off
from tests.support.world import World

HEADER = "employee ID,email,module,completed on,score,passed"
NEW = "/admin/imports/completions/new"
ROWS = scale(50_000, usually=5_000)


@pytest.fixture
def admin(world: World) -> Person:
    person = world.person("Anna Admin", email="admin@example.test")
    world.grant(person, Role.ADMIN)
    return person


@pytest.fixture
def signed_in(world: World, client: FlaskClient, admin: Person) -> FlaskClient:
    world.sign_in(client, admin)
    return client


@pytest.fixture
def inbox(app: Flask) -> Iterator[smtp.Inbox]:
    with inbox_of(app) as found:
        yield found


@pytest.fixture
def height(world: World) -> Module:
    return world.module("Working at height")


@pytest.fixture
def ada(world: World) -> Person:
    person = world.person("Ada Byron", email="ada@x.test")
    person.employee_id = "E1"
    return world.add(person)


def checked(client: FlaskClient, *rows: str, **form: str) -> int:
    """The id of an import of these rows that has been checked."""
    content = "\r\n".join([HEADER, *rows, ""]).encode()
    answer = upload_bytes(client, content, "register.csv", NEW, **form)
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


def completions() -> Sequence[Completion]:
    db.session.rollback()
    return db.session.scalars(select(Completion).order_by(Completion.id)).all()


def covered(world: World, *people: Person, months: int = 24) -> tuple[Unit, int]:
    """A unit of these people that asks for nothing yet known, and its training."""
    unit = world.unit()
    for person in people:
        membership = world.member(person, unit)
        membership.silent = True
        world.add(membership)
    module = db.session.scalars(select(Module)).first()
    assert module
    return unit, training(unit, row(module, validity_months=months))


def test_the_template_names_the_columns_and_the_page_explains_each(
    signed_in: FlaskClient, world: World, ada: Person, height: Module
) -> None:
    template = signed_in.get("/admin/imports/completions/template.csv").get_data(as_text=True)
    header, *samples = csv.reader(io.StringIO(template.removeprefix("\ufeff")))
    assert header == HEADER.split(",")
    assert len(samples) == 2
    words = signed_in.get(NEW).get_data(as_text=True)
    assert all(f"<code>{name}</code>" in words for name in header)
    assert "/admin/imports/completions/new" in signed_in.get("/admin/imports").get_data(
        as_text=True
    )


def test_the_dry_run_changes_nothing_and_says_what_each_row_will_do(
    signed_in: FlaskClient, ada: Person, height: Module
) -> None:
    import_id = checked(
        signed_in,
        "E1,,Working at height,2025-03-14,85%,yes",
        f",ADA@x.test,{height.id},2024-03-14 16:30,,no",
    )
    assert completions() == []
    assert lines(page(signed_in, import_id)) == [
        ["2", "E1", "New completion Working at height , Mar 14, 2025, 85%"],
        ["3", "ADA@x.test", "New completion Working at height , Mar 14, 2024, not passed"],
    ]
    assert import_row(import_id).kind is ImportKind.COMPLETIONS


def test_every_error_names_its_line_column_and_what_to_do(
    signed_in: FlaskClient, world: World, ada: Person, height: Module
) -> None:
    twins = [world.module("First aid"), world.module("First  AID")]
    gone = world.person("Gone Away", email="gone@x.test")
    gone.deactivated_at = clock.now()
    world.add(gone)
    import_id = checked(
        signed_in,
        "E9,,Working at height,2025-03-14,,",
        ",,Working at height,2025-03-14,,",
        "E1,,,2025-03-14,,",
        "E1,,Diving,2025-03-14,,",
        "E1,,First aid,2025-03-14,,",
        "E1,,Working at height,,,",
        "E1,,Working at height,14.03.2025,,",
        "E1,,Working at height,2025-02-30,,",
        "E1,,Working at height,1825-03-14,,",
        "E1,,Working at height,2031-01-01,,",
        "E1,,Working at height,2025-03-14,110,",
        "E1,,Working at height,2025-03-14,0.85,perhaps",
        ",gone@x.test,Working at height,2025-03-14,,",
        "E1,,Working at height,2025-03-14,,yes,more",
        "E8,,Diving,someday,,",
    )
    said = {int(line): words for line, _who, words in lines(page(signed_in, import_id))}
    numbers = ", ".join(str(each.id) for each in twins)
    assert said == {
        2: ("Error Nobody is known by this employee ID or email. Import or add the person first."),
        3: "Error Email: Give an email address or an employee ID.",
        4: "Error Module: Name the module.",
        5: "Error Module: No module has the title or number “Diving”.",
        6: (
            "Error Module: Several modules have this title. Write the number of the right one, "
            "as the list of modules shows it: "
            f"{numbers}."
        ),
        7: "Error Completed on: Say on which day it was completed.",
        8: (
            "Error Completed on: “14.03.2025” is not a day of the calendar. Write it as in "
            "2025-03-14."
        ),
        9: (
            "Error Completed on: “2025-02-30” is not a day of the calendar. Write it as in "
            "2025-03-14."
        ),
        10: "Error Completed on: “1825-03-14” is too long ago to be true.",
        11: "Error Completed on: This is in the future.",
        12: "Error Score: “110” is not a score. Write percent, from 0 to 100.",
        13: (
            "Error Score: “0.85” could be a share or percent. Write percent with its sign, as in "
            "85%. Passed: “perhaps” is neither yes nor no. The same completion is already in "
            "line 12."
        ),
        14: "Error Gone Away is deactivated. Activate the person first.",
        15: (
            "Error “more” stands in a column without a name. The same completion is already in "
            "line 12."
        ),
        16: (
            "Error Completed on: “someday” is not a day of the calendar. Write it as in "
            "2025-03-14. Nobody is known by this employee ID or email. Import or add the person "
            "first. Module: No module has the title or number “Diving”."
        ),
    }
    refused = signed_in.post(f"/admin/imports/{import_id}/apply", data={"rows": "good"})
    assert refused.status_code == 409
    errors = signed_in.get(f"/admin/imports/{import_id}/errors.csv").get_data(as_text=True)
    first = next(iter(csv.DictReader(io.StringIO(errors.removeprefix("\ufeff")))))
    assert first["employee ID"] == "E9"
    assert first["error"].startswith("Nobody is known")


@pytest.mark.parametrize(
    ("header", "said"),
    [
        ("module,completed on", "The columns “email” and “employee ID” are both missing"),
        ("email,completed on", "The column “module” is missing."),
        ("email,module", "The column “completed on” is missing."),
        ("email,module,completed on,mark", "The column “mark” is not known."),
        ("first name,last name,email", "The column “first name” is not known."),
    ],
)
def test_a_file_of_another_kind_is_refused_at_once(
    signed_in: FlaskClient, header: str, said: str
) -> None:
    answer = upload_bytes(signed_in, f"{header}\n".encode(), "people.csv", NEW)
    assert answer.status_code == 422
    assert said in answer.get_data(as_text=True)


def test_applied_rows_are_facts_with_their_day_score_and_origin(
    signed_in: FlaskClient, world: World, admin: Person, ada: Person, height: Module
) -> None:
    world.organization.time_zone = "Asia/Tokyo"
    world.add(world.organization)
    import_id = applied(
        signed_in,
        'E1,,working AT height,2025-03-14,"87,5",',
        "E1,,Working at height,2025-04-01 08:00,,no",
        "E1,,Working at height,2025-05-01T08:00+02:00,90%,passed",
    )
    found = [(each.happened_at, each.score, each.passed) for each in completions()]
    assert found == [
        (datetime(2025, 3, 14, 3, tzinfo=UTC), 0.875, True),
        (datetime(2025, 3, 31, 23, tzinfo=UTC), None, False),
        (datetime(2025, 5, 1, 6, tzinfo=UTC), 0.9, True),
    ]
    assert {each.source for each in completions()} == {CompletionSource.IMPORT}
    assert {each.evidence["from"] for each in completions()} == {
        f"register.csv (import {import_id})"
    }
    trail = db.session.query(AuditEntry).filter_by(action="completions.imported").one()
    assert (trail.by_person_id, trail.reason) == (admin.id, f"register.csv (import {import_id})")
    row = import_row(import_id)
    assert (row.state, row.rows, row.done) == (ImportState.DONE, 3, 3)


def test_good_rows_are_applied_beside_bad_ones_if_that_is_asked(
    signed_in: FlaskClient, ada: Person, height: Module
) -> None:
    rows = ("E1,,Working at height,2025-03-14,,", "E2,,Working at height,2025-03-14,,")
    import_id = checked(signed_in, *rows)
    whole = signed_in.post(f"/admin/imports/{import_id}/apply", data={"rows": "all"})
    assert whole.status_code == 409
    assert completions() == []
    signed_in.post(f"/admin/imports/{import_id}/apply", data={"rows": "good"})
    work_off()
    assert len(completions()) == 1
    assert (import_row(import_id).done, import_row(import_id).bad) == (1, 1)


@pytest.mark.parametrize(
    ("form", "mails"), [({}, []), ({"tells_people": "y"}, ["Your certificate for Basic safety"])]
)
def test_certificates_are_made_and_mailed_only_if_that_was_ticked(
    signed_in: FlaskClient,
    world: World,
    inbox: smtp.Inbox,
    ada: Person,
    height: Module,
    form: dict[str, str],
    mails: list[str],
) -> None:
    covered(world, ada)
    work_off()
    day = clock.now().date() - timedelta(days=40)
    import_id = applied(signed_in, f"E1,,Working at height,{day},,", **form)
    (edition,) = db.session.scalars(select(Edition))
    assert edition.silent is not bool(mails)
    assert edition.rendered_at is not None
    assert subjects(inbox) == mails
    assert ("Mail about certificates no, silent" in page(signed_in, import_id).words) is not bool(
        mails
    )


def test_the_same_rows_again_are_known_and_another_result_is_an_error(
    signed_in: FlaskClient, ada: Person, height: Module
) -> None:
    applied(signed_in, "E1,,Working at height,2025-03-14,85%,")
    again = applied(
        signed_in,
        f",ada@x.test,{height.id},2025-03-14 12:00,85,yes",
        "E1,,Working at height,2025-03-15,85%,",
    )
    assert findings(again) == {2: "same", 3: "new"}
    assert len(completions()) == 2
    other = checked(signed_in, "E1,,Working at height,2025-03-14,80%,")
    (line,) = lines(page(signed_in, other))
    assert line[2].startswith("Error This completion was imported before with another result.")


def history(people: int, days: int) -> list[str]:
    """Rows of so many people on so many days."""
    begin = clock.now().date() - timedelta(days=days)
    return [
        f"P{person},,Working at height,{begin + timedelta(days=day)},90%,"
        for day in range(days)
        for person in range(people)
    ]


def test_five_thousand_rows_and_the_same_file_again(
    signed_in: FlaskClient, world: World, inbox: smtp.Inbox, height: Module
) -> None:
    people = []
    for number in range(50):
        person = world.person(f"P{number} X", email=f"p{number}@x.test")
        person.employee_id = f"P{number}"
        people.append(world.add(person))
    _unit, asked = covered(world, *people)
    work_off()
    rows = history(50, ROWS // 50)
    import_id = applied(signed_in, *rows)
    assert import_row(import_id).done == ROWS
    per_person = db.session.execute(
        select(Completion.person_id, func.count()).group_by(Completion.person_id)
    )
    assert Counter(number for _who, number in per_person) == {ROWS // 50: 50}
    valid = select(func.count()).where(
        StoredStanding.configuration_id == asked, StoredStanding.complete
    )
    assert db.session.scalar(valid) == 50
    assert db.session.scalar(select(func.count(Edition.id))) == 50
    again = applied(signed_in, *rows)
    assert import_row(again).done == ROWS
    assert set(findings(again).values()) == {"same"}
    assert len(completions()) == ROWS
    assert db.session.scalar(select(func.count(Edition.id))) == 50
    assert db.session.scalar(select(func.count(Message.id))) == len(subjects(inbox)) == 0


@pytest.mark.parametrize("phase", ["check", "apply"])
def test_after_a_crash_it_goes_on_where_it_was(
    signed_in: FlaskClient,
    ada: Person,
    height: Module,
    monkeypatch: pytest.MonkeyPatch,
    phase: str,
) -> None:
    monkeypatch.setattr(importing, "CHUNK", 2)
    rows = [f"E1,,Working at height,2025-03-{day:02},," for day in range(1, 8)]
    rows[5] = rows[0]
    name = f"_{phase}_chunk"
    do, done = getattr(importing, name), []

    def crash_at_the_third(work: object, after: int, *more: object) -> None:
        done.append(after)
        if len(done) == 3:
            raise ZeroDivisionError
        do(work, after, *more)

    monkeypatch.setattr(importing, name, crash_at_the_third)
    with pytest.raises(ZeroDivisionError):
        applied(signed_in, *rows)
    monkeypatch.setattr(importing, name, do)
    work_off_later()
    import_id = db.session.scalars(select(ImportRow.import_id)).first() or 0
    if phase == "check":
        signed_in.post(f"/admin/imports/{import_id}/apply", data={"rows": "good"})
        work_off()
    assert findings(import_id) == {line: "error" if line == 7 else "new" for line in range(2, 9)}
    assert len(completions()) == 6
    assert import_row(import_id).done == 6


def test_modules_and_people_of_another_organization_are_not_known(
    signed_in: FlaskClient, world: World, ada: Person, height: Module
) -> None:
    other = world.new_organization("Other")
    theirs = world.module("Theirs", organization=other)
    import_id = checked(signed_in, f"E1,,{theirs.id},2025-03-14,,", "E1,,Theirs,2025-03-14,,")
    assert set(findings(import_id).values()) == {"error"}


def test_only_admins_import_completions(world: World, client: FlaskClient) -> None:
    world.sign_in(client, world.person("Lea Learner"))
    assert client.get(NEW).status_code == 403
    assert client.get("/admin/imports/completions/template.csv").status_code == 403
    assert client.get("/admin/imports/nonsense/new").status_code == 403


def test_a_chunk_costs_the_same_however_many_rows_it_has(
    signed_in: FlaskClient, ada: Person, height: Module
) -> None:
    costs = []
    for number in (3, 60):
        day = datetime(2020 + len(costs), 1, 1, tzinfo=UTC)
        rows = [
            f"E1,,Working at height,{(day + timedelta(days=n)).date()},," for n in range(number)
        ]
        with counted() as statements:
            applied(signed_in, *rows)
        costs.append(len(statements))
    assert costs[1] <= costs[0] + 2
