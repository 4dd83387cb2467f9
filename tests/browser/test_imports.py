"""Importing people and making rules in Chromium: with scripts and without, at every width."""

from collections.abc import Sequence
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect
from sqlalchemy import select

from plugin.core import clock
from plugin.core.context import storage
from plugin.core.db import db, transaction
from plugin.modules.history_rules import HISTORY as HISTORY_FORMAT
from plugin.org import import_actions, rule_actions
from plugin.org.import_format import Format
from plugin.org.import_models import ImportKind
from plugin.org.import_rules import PEOPLE
from plugin.org.models import Membership, Person, Unit, UnitKind
from plugin.org.rule_models import RuleSource, UnknownCode
from plugin.web.roles import Role
from tests.browser.conftest import Visit
from tests.browser.looks import flaws_at
from tests.functional.org.files import HEADER, place
from tests.functional.org.rosters import course
from tests.support.work import work_off
from tests.support.world import World

ROWS = (
    "Åse,Hochspannungsschaltanlagenbedienungspersonal-Featherstonehaugh,ase@example.test,E1,,,OSL,",
    "Ben,Bo,ben@example.test,E2,manager,DIV,OSL|BGO,NORTH",
    "Grace,Hopper,grace@example.test,,,,BGO,",
    "Bad,Row,nowhere-in-particular-at-all,E4,admin,,XXX,",
)
PAGES = {
    "imports": "/admin/imports",
    "import-people": "/admin/imports/new",
    "import-completions": "/admin/imports/completions/new",
    "import-checked": "/admin/imports/{checked}",
    "import-history": "/admin/imports/{history}",
    "import-waiting": "/admin/imports/{waiting}",
    "rules": "/admin/rules",
    "rule-custom": "/admin/rules/new/custom",
    "rule-role": "/admin/rules/new/role",
    "rule-course": "/admin/rules/new/course",
    "rule-off": "/admin/rules/{rule}/off",
    "held": "/admin/rules/held/{held}",
}


@pytest.fixture
def grace(world: World) -> Person:
    """An admin of an organization with four units that have codes."""
    admin = world.person("Grace Brewster Murray Hopper", email="grace@example.test")
    world.grant(admin, Role.ADMIN)
    kinds = {"OSL": UnitKind.SITE, "BGO": UnitKind.SITE, "DIV": UnitKind.GROUP}
    for code, kind in {**kinds, "NORTH": UnitKind.REGION}.items():
        place(world, code, kind)
    return admin


HISTORY = (
    "email,module,completed on,score,passed",
    "grace@example.test,Hochspannungsschaltanlagenbedienung,2025-03-14,85%,",
    "grace@example.test,Hochspannungsschaltanlagenbedienung,2024-03-14,,no",
    "nobody-in-particular-at-all@example.test,Working at great height,14.03.2025,0.85,perhaps",
)


def uploaded(
    admin: Person,
    rows: Sequence[str] = (HEADER, *ROWS),
    kind: ImportKind = ImportKind.PEOPLE,
    layout: Format = PEOPLE,
) -> int:
    """An import that waits for its check."""
    content = "\n".join(rows).encode()
    folder = storage().root
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "upload.csv"
    path.write_bytes(content)
    with path.open("rb") as source, transaction() as tx:
        name = f"{kind.value}.csv"
        file = import_actions.keep_file(storage(), admin.organization_id, name, source, layout)
        return import_actions.receive(
            tx,
            admin.organization_id,
            file,
            kind=kind,
            tells_people=False,
            by=admin.id,
            now=clock.now(),
        ).id


@pytest.fixture
def ids(world: World, grace: Person) -> dict[str, int]:
    world.module("Hochspannungsschaltanlagenbedienung")
    checked = uploaded(grace)
    history = uploaded(grace, HISTORY, ImportKind.COMPLETIONS, HISTORY_FORMAT)
    work_off()
    waiting = uploaded(grace)
    with transaction() as tx:
        rule = rule_actions.create_rule(
            tx,
            grace.organization_id,
            source=RuleSource.CUSTOM,
            name="site",
            unit_kind=UnitKind.SITE,
            by=None,
            now=clock.now(),
        ).id
        rule_actions.create_rule(
            tx,
            grace.organization_id,
            source=RuleSource.ROLE,
            name="context:Instructor",
            unit=tx.session.scalars(select(Unit).limit(1)).one(),
            by=None,
            now=clock.now(),
        )
    world.add(
        UnknownCode(
            organization_id=grace.organization_id,
            rule_id=rule,
            code="NO-TRONDHEIM-TERMINAL",
            launches=3,
            last_seen_at=clock.now(),
        )
    )
    quay = course(world, people=8)
    quay.sync(*quay.people)
    quay.sync()
    held = quay.held()
    assert held is not None
    return {
        "checked": checked,
        "history": history,
        "waiting": waiting,
        "rule": rule,
        "held": held.id,
    }


@pytest.mark.parametrize("name", PAGES)
def test_every_page_of_imports_and_rules_fits_and_serves_everybody(
    grace: Person, ids: dict[str, int], visit: Visit, page: Page, name: str
) -> None:
    visit(grace, PAGES[name].format(**ids))
    assert flaws_at(page, f"org-{name}", 380, 1100, 1280) == []


def test_an_import_is_seen_through_without_reloading_by_hand(
    world: World,
    grace: Person,
    visit: Visit,
    page: Page,
    complaints: list[str],
    tmp_path: Path,
) -> None:
    file = tmp_path / "people.csv"
    file.write_text("\n".join([HEADER, *ROWS]), encoding="utf-8")
    visit(grace, "/admin/imports/new")
    page.get_by_label("File", exact=True).set_input_files(file)
    page.get_by_role("button", name="Upload and check").click()
    expect(page.get_by_text("Waiting for its check")).to_be_visible()
    work_off()
    expect(page.get_by_text("1 row has an error.")).to_be_visible()
    page.get_by_label("What it does", exact=True).select_option("Error")
    expect(page.get_by_text("1 to 1 of 1")).to_be_visible()
    page.get_by_role("button", name="Apply only the 3 good rows").click()
    expect(page.get_by_text("Being applied")).to_be_visible()
    work_off(patient=True, limit=1)
    expect(page.get_by_text("3 rows were applied.")).to_be_visible()
    db.session.rollback()
    assert len(db.session.scalars(select(Membership.id)).all()) == 6
    assert complaints == []
