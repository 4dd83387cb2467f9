"""Imports of people: dry run, apply, cancel, go on after a crash; and what they leave alone."""

import csv
import io
from collections.abc import Iterator

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import func, select

from plugin.core import clock
from plugin.core.audit import AuditEntry
from plugin.core.context import storage
from plugin.core.db import db, transaction
from plugin.core.outbox import OutboxRow
from plugin.jobs import reconcile
from plugin.notify.models import Message, MessageKind
from plugin.org import import_actions, importing
from plugin.org.import_models import ImportRow, ImportState, PersonImport
from plugin.org.models import Grant, Identity, Membership, MembershipSource, Person, Unit, UnitKind
from plugin.web.roles import Role
from tests.functional.assign.places import row, training
from tests.functional.org.files import (
    HEADER,
    applied,
    checked,
    findings,
    import_row,
    place,
    upload,
    upload_bytes,
)
from tests.support import smtp
from tests.support.html import Element, read
from tests.support.queries import counted
from tests.support.work import work_off
from tests.support.world import World

ANN = "Ann,Bell,ann@x.test,E1,,,OSL,"
BEN = "Ben,Bo,ben@x.test,E2,,,OSL|BGO,"


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
    with smtp.server() as server:
        app.extensions["mail"].port = server.port
        app.extensions["mail"].use_tls = False
        yield server


@pytest.fixture
def sites(world: World) -> dict[str, Unit]:
    return {code: place(world, code) for code in ("OSL", "BGO")}


def page(client: FlaskClient, import_id: int, query: str = "") -> Element:
    answer = client.get(f"/admin/imports/{import_id}{query}")
    assert answer.status_code == 200
    return read(answer.get_data(as_text=True))


def lines(shown: Element) -> list[list[str]]:
    (table,) = shown.all("table")
    return [
        [cell.words for cell in line.children if isinstance(cell, Element)]
        for line in table.all("tbody")[0].all("tr")
    ]


def names_in(unit: Unit, source: MembershipSource = MembershipSource.CSV) -> set[str]:
    db.session.rollback()
    return set(
        db.session.scalars(
            select(Person.full_name)
            .join(Membership, Membership.person_id == Person.id)
            .where(
                Membership.unit_id == unit.id,
                Membership.until_at.is_(None),
                Membership.source == source,
            )
        )
    )


def count(model: type) -> int:
    db.session.rollback()
    return db.session.scalar(select(func.count()).select_from(model)) or 0


def test_the_template_can_be_uploaded_as_it_is_apart_from_its_codes(
    signed_in: FlaskClient, world: World, sites: dict[str, Unit]
) -> None:
    place(world, "CONTRACTORS", UnitKind.GROUP)
    content = signed_in.get("/admin/imports/template.csv")
    assert content.mimetype == "text/csv"
    answer = upload_bytes(signed_in, content.data)
    work_off()
    import_id = int(answer.headers["Location"].rsplit("/", 1)[1])
    assert set(findings(import_id).values()) == {"new"}


def test_the_dry_run_changes_nothing_and_says_what_each_row_will_do(
    signed_in: FlaskClient, world: World, sites: dict[str, Unit]
) -> None:
    dee = world.person("Dee Dow", email="dee@x.test")
    before = count(Person), count(Membership)
    import_id = checked(
        signed_in,
        ANN,
        "Dee,Down,dee@x.test,E4,,,,",
        "Anna,Admin,ADMIN@example.test,,manager,,BGO,",
        "Nobody,Known,nowhere,,admin,,XXX,",
    )
    assert (count(Person), count(Membership)) == before
    shown = lines(page(signed_in, import_id))
    assert shown == [
        ["2", "Ann Bell", "New person Member of Place OSL"],
        ["3", "Dee Down", "Changed Last name: Dow becomes Down Employee ID: E4"],
        ["4", "Anna Admin", "Added to units Member of Place BGO Manager of Place BGO"],
        [
            "5",
            "Nobody Known",
            (
                "Error Email: “nowhere” is not an email address. Role: The role admin is never "
                "given by a file. Give it on the person's page. Sites: No unit in use of this "
                "kind has the ID code “XXX”."
            ),
        ],
    ]
    assert dee.full_name == "Dee Dow"
    assert import_row(import_id).state is ImportState.CHECKED


def test_applying_makes_people_memberships_rights_and_a_trail(
    signed_in: FlaskClient, admin: Person, sites: dict[str, Unit]
) -> None:
    import_id = applied(signed_in, ANN, BEN, "Cat,Co,cat@x.test,,manager,,BGO,")
    assert names_in(sites["OSL"]) == {"Ann Bell", "Ben Bo"}
    assert names_in(sites["BGO"]) == {"Ben Bo", "Cat Co"}
    ann = db.session.query(Person).filter_by(employee_id="E1").one()
    assert (ann.given_name, ann.family_name, ann.email) == ("Ann", "Bell", "ann@x.test")
    cat = db.session.query(Person).filter_by(email="cat@x.test").one()
    granted = db.session.query(Grant).filter_by(person_id=cat.id).one()
    assert (granted.role, granted.unit_id, granted.granted_by) == (
        Role.MANAGER,
        sites["BGO"].id,
        admin.id,
    )
    trail = db.session.query(AuditEntry).filter_by(about_id=cat.id, about_kind="person").all()
    assert sorted(entry.action for entry in trail) == [
        "grant.given",
        "membership.started",
        "person.created",
    ]
    assert {(entry.by_person_id, entry.reason) for entry in trail} == {
        (admin.id, f"import {import_id}")
    }
    found = import_row(import_id)
    assert (found.state, found.done, found.rows) == (ImportState.DONE, 3, 3)
    assert not storage().exists(found.file_key)
    words = page(signed_in, import_id).words
    assert "3 rows were applied." in words
    people = {row.person_id for row in db.session.query(ImportRow)}
    assert people == {person.id for person in db.session.query(Person) if person.id != admin.id}


def test_the_same_file_twice_changes_nothing(
    signed_in: FlaskClient, sites: dict[str, Unit]
) -> None:
    rows = (ANN, BEN, "Cat,Co,cat@x.test,,manager,,BGO,", "Søren,Å,SØREN@x.test,,,,OSL,")
    applied(signed_in, *rows)
    before = [count(each) for each in (Person, Membership, Grant, AuditEntry, OutboxRow)]
    again = checked(signed_in, *rows)
    assert set(findings(again).values()) == {"same"}
    signed_in.post(f"/admin/imports/{again}/apply", data={"rows": "all"})
    work_off()
    after = [count(each) for each in (Person, Membership, Grant, AuditEntry, OutboxRow)]
    assert after == [*before[:3], before[3] + 2, before[4] + 2]  # upload and apply of the file
    assert import_row(again).done == 4


def test_somebody_the_lms_knows_stays_linked_to_it(
    signed_in: FlaskClient, world: World, sites: dict[str, Unit]
) -> None:
    person = world.person("A Bell", email="ann@x.test")
    world.add(
        Identity(
            organization_id=person.organization_id,
            person_id=person.id,
            issuer="https://lms",
            client_id="c",
            subject="7",
            created_at=clock.now(),
        )
    )
    applied(signed_in, ANN)
    db.session.rollback()
    assert (person.full_name, person.employee_id) == ("Ann Bell", "E1")
    assert db.session.query(Identity).one().person_id == person.id
    entry = db.session.query(AuditEntry).filter_by(action="person.changed").one()
    assert entry.before is not None
    assert entry.after is not None
    assert entry.before["given_name"] == "A"
    assert entry.after["given_name"] == "Ann"


def test_an_import_ends_nothing_and_leaves_other_sources_alone(
    signed_in: FlaskClient, world: World, sites: dict[str, Unit]
) -> None:
    applied(signed_in, ANN)
    ann = db.session.query(Person).filter_by(employee_id="E1").one()
    world.member(ann, sites["OSL"])
    applied(signed_in, "Ann,Bell,ann@x.test,E1,,,BGO,")
    assert names_in(sites["OSL"]) == {"Ann Bell"}
    assert names_in(sites["OSL"], MembershipSource.MANUAL) == {"Ann Bell"}
    assert names_in(sites["BGO"]) == {"Ann Bell"}
    assert "never ends memberships" in page(signed_in, checked(signed_in, ANN)).words


@pytest.mark.parametrize(("form", "mails"), [({}, 0), ({"tells_people": "y"}, 1)])
def test_mail_about_new_training_goes_only_if_that_was_ticked(
    signed_in: FlaskClient,
    world: World,
    inbox: smtp.Inbox,
    sites: dict[str, Unit],
    form: dict[str, str],
    mails: int,
) -> None:
    training(sites["OSL"], row(world.module()))
    work_off()
    import_id = applied(signed_in, ANN, **form)
    assert db.session.query(Membership).one().silent is not bool(mails)
    told = db.session.query(Message).filter_by(kind=MessageKind.NEW_TRAINING).count()
    assert told == len(inbox.mails) == mails
    assert ("no, silent" in page(signed_in, import_id).words) is not bool(mails)


def test_with_errors_the_good_rows_wait_for_a_choice(
    signed_in: FlaskClient, sites: dict[str, Unit]
) -> None:
    import_id = checked(signed_in, ANN, "Bad,Row,nowhere,,,,,")
    shown = page(signed_in, import_id)
    assert "1 row has an error." in shown.words
    assert [each.words for each in shown.all("button", type="submit")][:2] == [
        "Apply only the good row",
        "Cancel the import",
    ]
    refused = signed_in.post(f"/admin/imports/{import_id}/apply", data={"rows": "all"})
    assert refused.status_code == 409
    said = read(refused.get_data(as_text=True))
    assert "Some rows have errors." in said.words
    (again,) = [each for each in said.all("a") if each.words == "Show the rows"]
    assert signed_in.get(again.attributes["href"]).status_code == 200
    assert said.all("table") == []  # its links would lead to an address that only posts
    assert import_row(import_id).state is ImportState.CHECKED
    signed_in.post(f"/admin/imports/{import_id}/apply", data={"rows": "good"})
    work_off()
    assert names_in(sites["OSL"]) == {"Ann Bell"}
    assert (import_row(import_id).done, import_row(import_id).bad) == (1, 1)


def test_cancelling_before_applying_changes_nothing_and_forgets_the_file(
    signed_in: FlaskClient, sites: dict[str, Unit]
) -> None:
    people = count(Person)
    import_id = checked(signed_in, ANN)
    key = import_row(import_id).file_key
    assert storage().exists(key)
    signed_in.post(f"/admin/imports/{import_id}/cancel")
    assert count(Person) == people
    assert not storage().exists(key)
    assert "Nothing was changed." in page(signed_in, import_id).words
    again = signed_in.post(f"/admin/imports/{import_id}/apply", data={"rows": "all"})
    assert again.status_code == 409
    entries = db.session.query(AuditEntry).filter_by(about_kind="person_import")
    assert [each.action for each in entries] == ["import.uploaded", "import.cancelled"]


def test_cancelling_while_it_is_applied_keeps_what_was_done_and_stops(
    signed_in: FlaskClient,
    admin: Person,
    sites: dict[str, Unit],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(importing, "CHUNK", 2)
    import_id = checked(signed_in, *(f"P{n},X,p{n}@x.test,,,,OSL," for n in range(6)))
    signed_in.post(f"/admin/imports/{import_id}/apply", data={"rows": "all"})
    write = import_actions.write

    def cancelled_after(*args: object) -> object:
        monkeypatch.setattr(import_actions, "write", refuse)
        return write(*args)  # type: ignore[arg-type]

    def refuse(*_args: object) -> object:
        raise ZeroDivisionError

    monkeypatch.setattr(import_actions, "write", cancelled_after)
    with pytest.raises(ZeroDivisionError):
        work_off()
    monkeypatch.setattr(import_actions, "write", write)
    signed_in.post(f"/admin/imports/{import_id}/cancel")
    work_off_later()
    assert names_in(sites["OSL"]) == {"P0 X", "P1 X"}
    assert "Stopped after 2 rows were applied" in page(signed_in, import_id).words


def work_off_later() -> None:
    """Steps that failed once wait a little before they are tried again."""
    db.session.rollback()
    for waiting in db.session.scalars(select(OutboxRow).where(OutboxRow.done_at.is_(None))):
        waiting.due_at = clock.now()
    db.session.commit()
    work_off()


@pytest.mark.parametrize("phase", ["check", "apply"])
def test_after_a_crash_it_goes_on_where_it_was(
    signed_in: FlaskClient,
    sites: dict[str, Unit],
    monkeypatch: pytest.MonkeyPatch,
    phase: str,
) -> None:
    monkeypatch.setattr(importing, "CHUNK", 2)
    rows = [f"P{n},X,p{n}@x.test,,,,OSL," for n in range(7)]
    rows[5] = "P0,X,P0@x.test,,,,OSL,"  # the person of the first row again
    name = f"_{phase}_chunk"
    do, done = getattr(importing, name), []

    def crash_at_the_third(work: object, after: int, *more: object) -> None:
        done.append(after)
        if len(done) == 3:
            raise ZeroDivisionError
        do(work, after, *more)

    monkeypatch.setattr(importing, name, crash_at_the_third)
    if phase == "check":
        upload(signed_in, *rows)
    else:
        import_id = checked(signed_in, *rows)
        signed_in.post(f"/admin/imports/{import_id}/apply", data={"rows": "good"})
    with pytest.raises(ZeroDivisionError):
        work_off()
    import_id = db.session.scalars(select(PersonImport.id)).one()
    assert import_row(import_id).through_line == 5
    monkeypatch.setattr(importing, name, do)
    work_off_later()
    if phase == "check":
        assert import_row(import_id).state is ImportState.CHECKED
        signed_in.post(f"/admin/imports/{import_id}/apply", data={"rows": "good"})
        work_off()
    assert findings(import_id) == {line: "error" if line == 7 else "new" for line in range(2, 9)}
    assert names_in(sites["OSL"]) == {f"P{n} X" for n in (0, 1, 2, 3, 4, 6)}
    found = import_row(import_id)
    assert (found.rows, found.good, found.bad, found.done) == (7, 6, 1, 6)


def test_a_crash_before_the_next_address_still_knows_whom_rows_were_about(
    signed_in: FlaskClient, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(importing, "CHUNK", 1)
    known = world.person("Ann Bell", email="ann@x.test")
    known.employee_id = "E1"
    world.add(known)
    upload(signed_in, "Ann,Bell,,E1,,,,", "Ann,Bell,ann@x.test,,,,,")
    do = importing._check_chunk

    def crash_at_line_three(work: object, after: int, *more: object) -> None:
        if after:
            raise ZeroDivisionError
        do(work, after, *more)  # type: ignore[arg-type]

    monkeypatch.setattr(importing, "_check_chunk", crash_at_line_three)
    with pytest.raises(ZeroDivisionError):
        work_off()
    monkeypatch.setattr(importing, "_check_chunk", do)
    work_off_later()
    import_id = db.session.scalars(select(PersonImport.id)).one()
    assert findings(import_id) == {2: "same", 3: "error"}


def test_running_a_step_again_does_nothing_more(
    signed_in: FlaskClient, sites: dict[str, Unit]
) -> None:
    import_id = checked(signed_in, ANN, BEN)
    importing.check(import_id)
    signed_in.post(f"/admin/imports/{import_id}/apply", data={"rows": "all"})
    work_off()
    before = count(AuditEntry), count(OutboxRow)
    importing.apply(import_id)
    importing.check(import_id)
    assert (count(AuditEntry), count(OutboxRow)) == before
    assert import_row(import_id).rows == 2


def test_two_runs_at_once_do_each_row_once(
    signed_in: FlaskClient, sites: dict[str, Unit], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(importing, "CHUNK", 2)
    import_id = checked(signed_in, *(f"P{n},X,p{n}@x.test,,,,OSL," for n in range(6)))
    signed_in.post(f"/admin/imports/{import_id}/apply", data={"rows": "all"})
    do, depth = importing._apply_chunk, []

    def other_run_first(work: object, after: int, rows: object) -> None:
        if not depth:
            depth.append(1)
            importing.apply(import_id)
        do(work, after, rows)  # type: ignore[arg-type]

    monkeypatch.setattr(importing, "_apply_chunk", other_run_first)
    work_off()
    assert import_row(import_id).done == 6
    assert len(names_in(sites["OSL"])) == 6
    assert count(Membership) == 6


def begun(client: FlaskClient, rows: int) -> int:
    """An import whose application is owed."""
    import_id = checked(client, *(f"P{n},X,p{n}@x.test,,,,OSL," for n in range(rows)))
    client.post(f"/admin/imports/{import_id}/apply", data={"rows": "all"})
    return import_id


def test_a_run_that_finds_another_ahead_of_it_stops(
    signed_in: FlaskClient, sites: dict[str, Unit], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(importing, "CHUNK", 2)
    import_id = begun(signed_in, 6)
    do = importing._apply_chunk

    def other_run_did_it(work: object, after: int, rows: object) -> None:
        do(work, after, rows)  # type: ignore[arg-type]
        do(work, after, rows)  # type: ignore[arg-type]

    monkeypatch.setattr(importing, "_apply_chunk", other_run_did_it)
    work_off()
    found = import_row(import_id)
    assert (found.state, found.done) == (ImportState.APPLYING, 2)
    monkeypatch.setattr(importing, "_apply_chunk", do)
    reconcile.run(now=clock.now())
    work_off()
    found = import_row(import_id)
    assert (found.state, found.done) == (ImportState.DONE, 6)


def test_a_run_stops_before_the_next_chunk_of_a_cancelled_import(
    signed_in: FlaskClient, admin: Person, sites: dict[str, Unit], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(importing, "CHUNK", 2)
    admin_id = admin.id
    import_id = begun(signed_in, 6)
    do = importing._apply_chunk

    def then_cancelled(work: object, after: int, rows: object) -> None:
        do(work, after, rows)  # type: ignore[arg-type]
        with transaction() as tx:
            row = tx.session.get_one(PersonImport, import_id)
            import_actions.cancel(tx, row, by=admin_id, now=clock.now())

    monkeypatch.setattr(importing, "_apply_chunk", then_cancelled)
    work_off()
    found = import_row(import_id)
    assert (found.state, found.done) == (ImportState.CANCELLED, 2)
    assert names_in(sites["OSL"]) == {"P0 X", "P1 X"}


@pytest.mark.parametrize(
    ("state", "job"),
    [
        (ImportState.UPLOADED, "check_import"),
        (ImportState.CHECKING, "check_import"),
        (ImportState.APPLYING, "apply_import"),
    ],
)
def test_an_import_nobody_is_doing_is_found(
    signed_in: FlaskClient, sites: dict[str, Unit], state: ImportState, job: str
) -> None:
    import_id = checked(signed_in, ANN)
    found = import_row(import_id)
    found.state = state
    db.session.commit()
    db.session.rollback()
    asked = reconcile.run(now=clock.now())
    assert asked[job] == 1
    assert reconcile.run(now=clock.now())[job] == 0


def test_a_row_that_turned_bad_since_the_check_is_not_applied(
    signed_in: FlaskClient, world: World, sites: dict[str, Unit]
) -> None:
    import_id = checked(signed_in, ANN, "Ben,Bo,ben@x.test,E2,,,BGO,")
    sites["BGO"].archived_at = clock.now()
    world.add(sites["BGO"])
    signed_in.post(f"/admin/imports/{import_id}/apply", data={"rows": "all"})
    work_off()
    assert findings(import_id) == {2: "new", 3: "error"}
    found = import_row(import_id)
    assert (found.done, found.good, found.bad) == (1, 1, 1)
    assert "Sites: No unit in use" in page(signed_in, import_id, "?outcome=error").words


def test_one_import_is_applied_at_a_time(signed_in: FlaskClient, sites: dict[str, Unit]) -> None:
    first, second = checked(signed_in, ANN), checked(signed_in, BEN)
    signed_in.post(f"/admin/imports/{first}/apply", data={"rows": "all"})
    answer = signed_in.post(f"/admin/imports/{second}/apply", data={"rows": "all"})
    assert answer.status_code == 409
    assert "Another import is being applied." in answer.get_data(as_text=True)
    work_off()
    assert signed_in.post(f"/admin/imports/{second}/apply", data={"rows": "all"}).status_code == 303


def test_a_file_that_breaks_off_fails_as_a_whole(
    signed_in: FlaskClient, sites: dict[str, Unit]
) -> None:
    answer = upload(signed_in, ANN, 'Ben,"Bo,ben@x.test,,,,,')
    work_off()
    shown = read(signed_in.get(answer.headers["Location"]).get_data(as_text=True))
    assert "The file cannot be read from line 3 on" in shown.words
    assert "Nothing was changed." in shown.words
    assert names_in(sites["OSL"]) == set()


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"", "The file is empty."),
        (b"PK\x03\x04xlsx", "This is a spreadsheet (xlsx or xls)."),
        (b"\x89PNG\x00", "This is not a text file."),
        ("first name".encode("utf-16"), "UTF-16"),
        (b"Ann,Bell,a@x.test\n", "It says: Ann,Bell,a@x.test"),
        (f"{HEADER},shoe size 100%\n".encode(), "“shoe size 100%” is not known"),
        (b"first name,last name,email,mail\n", "“mail” is there twice"),
        (b"first name,email\n", "“last name” is missing"),
        (b"first name,last name\n", "both missing"),
    ],
)
def test_a_wrong_file_is_refused_at_once_with_what_is_wrong(
    signed_in: FlaskClient, content: bytes, sentence: str
) -> None:
    answer = upload_bytes(signed_in, content)
    assert answer.status_code == 422
    assert sentence in answer.get_data(as_text=True)
    assert count(PersonImport) == 0
    assert [path for path in storage().root.rglob("imports/**/*") if path.is_file()] == []


def test_a_file_too_large_or_none_at_all_is_refused(
    signed_in: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("plugin.org.import_forms.MAX_BYTES", 100)
    answer = upload(signed_in, ANN, BEN)
    assert answer.status_code == 422
    assert "The file is larger than 20 MB." in answer.get_data(as_text=True)
    nothing = signed_in.post("/admin/imports/new", data={})
    assert nothing.status_code == 422
    assert "Choose a CSV file." in nothing.get_data(as_text=True)


def test_the_rows_with_errors_can_be_downloaded_corrected_and_sent_again(
    signed_in: FlaskClient, sites: dict[str, Unit]
) -> None:
    import_id = applied(signed_in, ANN, "=Cmd,Bo,nowhere,E2,admin,,OSL,")
    answer = signed_in.get(f"/admin/imports/{import_id}/errors.csv")
    (bad,) = csv.DictReader(io.StringIO(answer.data.decode("utf-8-sig")))
    assert bad["first name"] == "'=Cmd"
    assert bad["error"].startswith("Email: “nowhere” is not an email address. Role: ")
    corrected = answer.data.replace(b"nowhere", b"ben@x.test").replace(b"admin,", b",")
    sent = upload_bytes(signed_in, corrected)
    work_off()
    again = int(sent.headers["Location"].rsplit("/", 1)[1])
    assert findings(again) == {2: "new"}
    assert "=Cmd Bo" in page(signed_in, again).words


def test_findings_are_narrowed_searched_and_paged(
    signed_in: FlaskClient, sites: dict[str, Unit]
) -> None:
    rows = [f"P{n:02},X,p{n}@x.test,,,,OSL," for n in range(60)]
    import_id = checked(signed_in, *rows, "Bad,Row,nowhere,,,,,")
    assert len(lines(page(signed_in, import_id))) == 50
    assert [line[0] for line in lines(page(signed_in, import_id, "?page=2"))][-1] == "62"
    (bad,) = lines(page(signed_in, import_id, "?outcome=error"))
    assert bad[:2] == ["62", "Bad Row"]
    assert bad[2].startswith("Error Email: ")
    assert [line[1] for line in lines(page(signed_in, import_id, "?q=p07"))] == ["P07 X"]


def test_a_page_of_findings_asks_as_much_for_many_as_for_few(
    signed_in: FlaskClient, sites: dict[str, Unit]
) -> None:
    def statements_of(number: int) -> int:
        import_id = checked(signed_in, *(f"P{n},X,p{n}@x.test,,,,OSL," for n in range(number)))
        with counted() as statements:
            page(signed_in, import_id)
        return len(statements)

    assert statements_of(2) == statements_of(40)


def test_a_chunk_is_checked_and_applied_with_a_fixed_number_of_statements(
    signed_in: FlaskClient, sites: dict[str, Unit]
) -> None:
    def statements_of(number: int, tag: str) -> int:
        with counted() as statements:
            applied(signed_in, *(f"P{n},X,{tag}{n}@x.test,,manager,,OSL," for n in range(number)))
        return len(statements)

    assert statements_of(2, "a") == statements_of(40, "b")


def test_the_list_of_imports_is_narrowed_and_sorted(
    signed_in: FlaskClient, sites: dict[str, Unit]
) -> None:
    applied(signed_in, ANN)
    upload_bytes(signed_in, f"{HEADER}\n{BEN}\n".encode(), name="hr/march.csv")
    shown = read(signed_in.get("/admin/imports").get_data(as_text=True))
    assert [line[:2] for line in lines(shown)] == [
        ["march.csv", "Waiting for its check"],
        ["people.csv", "Done"],
    ]
    done = read(signed_in.get("/admin/imports?state=done").get_data(as_text=True))
    assert [line[0] for line in lines(done)] == ["people.csv"]
    named = read(signed_in.get("/admin/imports?q=MARCH&sort=filename").get_data(as_text=True))
    assert [line[0] for line in lines(named)] == ["march.csv"]


def test_progress_is_shown_with_and_without_scripts(
    signed_in: FlaskClient, sites: dict[str, Unit], monkeypatch: pytest.MonkeyPatch
) -> None:
    location = upload(signed_in, ANN).headers["Location"]
    shown = read(signed_in.get(location).get_data(as_text=True))
    part = shown.by_id("import")
    assert part.attributes["hx-trigger"] == "every 2s"
    assert part.all("progress")
    assert [each.words for each in part.all("a")] == ["Refresh"]
    work_off()
    shown = read(signed_in.get(location).get_data(as_text=True))
    assert "hx-trigger" not in shown.by_id("import").attributes


PAGES = [
    ("GET", "/admin/imports"),
    ("GET", "/admin/imports/new"),
    ("POST", "/admin/imports/new"),
    ("GET", "/admin/imports/template.csv"),
    ("GET", "/admin/imports/{id}"),
    ("POST", "/admin/imports/{id}/apply"),
    ("POST", "/admin/imports/{id}/cancel"),
    ("GET", "/admin/imports/{id}/errors.csv"),
]


@pytest.mark.parametrize(("method", "address"), PAGES)
def test_only_admins_see_imports(
    signed_in: FlaskClient,
    world: World,
    sites: dict[str, Unit],
    method: str,
    address: str,
) -> None:
    path = address.format(id=checked(signed_in, ANN))
    learner, manager = world.person("Lea Learner"), world.person("Max Manager")
    world.grant(manager, Role.MANAGER, sites["OSL"])
    for person in (learner, manager):
        world.sign_in(signed_in, person)
        assert signed_in.open(path, method=method).status_code == 403
    nobody = signed_in.application.test_client()
    assert nobody.open(path, method=method).status_code == 401


@pytest.mark.parametrize(("method", "address"), [each for each in PAGES if "{id}" in each[1]])
def test_an_import_of_another_organization_does_not_exist(
    signed_in: FlaskClient,
    world: World,
    sites: dict[str, Unit],
    method: str,
    address: str,
) -> None:
    import_id = checked(signed_in, ANN)
    other = world.new_organization("Elsewhere")
    stranger = world.person("Eve Elsewhere", organization=other)
    world.grant(stranger, Role.ADMIN)
    world.sign_in(signed_in, stranger)
    assert signed_in.open(address.format(id=import_id), method=method).status_code == 404
    assert import_row(import_id).state is ImportState.CHECKED
    shown = signed_in.get("/admin/imports").get_data(as_text=True)
    assert "people.csv" not in shown


def test_people_and_units_of_another_organization_are_unknown(
    signed_in: FlaskClient, world: World
) -> None:
    other = world.new_organization("Elsewhere")
    twin = world.person("Ann Bell", email="ann@x.test", organization=other)
    twin.employee_id = "E1"
    world.add(twin)
    unit = world.unit("Far", organization=other)
    unit.id_code = "OSL"
    world.add(unit)
    import_id = checked(signed_in, ANN, "Ann,Bell,ann2@x.test,E1,,,,")
    assert findings(import_id) == {2: "error", 3: "error"}
    codes = [row.errors[0]["code"] for row in db.session.query(ImportRow).order_by(ImportRow.line)]
    assert codes == ["unknown_code", "same_person"]
    assert findings(checked(signed_in, "Ann,Bell,ann@x.test,E1,,,,")) == {2: "new"}
    assert twin.full_name == "Ann Bell"
