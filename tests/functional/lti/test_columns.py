"""The columns of a gradebook that carry our ids, however many they are."""

import pytest

from plugin.core import clock
from plugin.core.db import db, transaction
from plugin.lti.tool import columns
from plugin.lti.tool.service_models import LineItem, LmsCourse
from tests.functional.lti.campus import Peer
from tests.support.queries import counted
from tests.support.work import work_off
from tests.support.world import World


@pytest.fixture
def course(peer: Peer) -> int:
    peer.launch("lars")
    work_off()
    db.session.rollback()
    return db.session.query(LmsCourse).one().id


def said(number: int, **more: object) -> dict[str, object]:
    return {"id": f"https://lms.example.test/items/{number}/lineitem", "label": "Safety", **more}


def keep(course_id: int, listed: list[object]) -> int:
    """Returns how many statements it took."""
    with transaction() as tx, counted() as sent:
        course = tx.session.get_one(LmsCourse, course_id)
        columns.keep_listed(tx.session, course, listed, now=clock.now())
    return len(sent)


def test_many_columns_take_no_more_statements_than_one(world: World, course: int) -> None:
    modules = [world.module(f"Module {number}").id for number in range(30)]
    one = keep(course, [said(0, resourceId=f"module:{modules[0]}")])
    many = keep(
        course, [said(n, resourceId=f"module:{each}") for n, each in enumerate(modules[1:], 1)]
    )
    assert many == one
    found = {row.url: row.module_id for row in db.session.query(LineItem) if row.module_id}
    assert sorted(found.values()) == sorted(modules)


def test_only_ids_of_ours_count_and_a_column_listed_twice_is_one(world: World, course: int) -> None:
    module = world.module("Fire safety").id
    before = db.session.query(LineItem).count()
    listed = [
        said(1, resourceId="theirs", tag=f"module:{module}"),
        said(1, tag=f"module:{module}", resourceLinkId="link-7"),
        said(2, resourceId="module:999999"),
        said(3, resourceId="person:1"),
        said(4, resourceId=f"module:{module}") | {"id": "not an address"},
        said(5),
        "a text",
        None,
    ]
    keep(course, listed)
    db.session.rollback()
    assert db.session.query(LineItem).count() == before + 1
    item = db.session.query(LineItem).filter_by(module_id=module).one()
    assert (item.resource_link_id, item.resource_id) == ("link-7", f"module:{module}")
