"""Lists of people too long for one answer, one job, or an undisturbed hour (rules N3, N4, N8)."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from sqlalchemy import event

from plugin.core import clock, http
from plugin.core.db import db
from plugin.core.http import Reply
from plugin.core.outbox import JobName, OutboxRow
from plugin.lti.tool import roster_reading
from plugin.lti.tool.rosters import sync
from plugin.lti.tool.service_models import LmsCourse
from plugin.org.rule_models import HeldSync, RosterTie
from tests.conftest import NOW
from tests.functional.lti.campus import Peer
from tests.functional.lti.roster_facts import answering, learner, listing, members, problem
from tests.support.work import work_off

FOUR = {"6", "7", "8", "9"}


class KilledError(BaseException):
    """A worker ends in the middle of its work."""


def asked(peer: Peer) -> list[str]:
    """The queries of the pages that were asked for."""
    return [urlsplit(url).query for _method, url in peer.calls if "memberships" in url]


def at_page(
    peer: Peer, monkeypatch: pytest.MonkeyPatch, start: int, happens: Callable[[], Reply | None]
) -> None:
    """What happens, once, when the page that begins there is asked for."""
    left = [happens]

    def call(*words: Any, **more: Any) -> Reply:
        query = parse_qs(urlsplit(words[2]).query)
        reply = peer.call(*words, **more)
        if left and "memberships" in words[2] and query.get("from") == [str(start)]:
            return left.pop()() or reply
        return reply

    monkeypatch.setattr(http, "call", call)


def killed() -> Reply:
    raise KilledError


def waiting() -> int:
    db.session.rollback()
    found = db.session.query(OutboxRow).filter_by(job=JobName.SYNC_ROSTER, done_at=None)
    return found.count()


def test_n3_an_lms_that_gives_all_at_once_is_asked_for_a_thousand_at_a_time(
    peer: Peer, tie: int
) -> None:
    peer.become("moodle")
    peer.grades.behaviour.crowd = 1100
    sync(tie)
    assert len(members()) == 1104
    assert asked(peer) == ["limit=1000", "from=1000&limit=1000"]


@pytest.mark.parametrize("make", ["canvas", "desire2learn", "blackboard", "sakai", "openedx"])
def test_n3_an_lms_that_pages_by_itself_or_not_at_all_is_told_no_limit(
    peer: Peer, tie: int, make: str
) -> None:
    peer.become(make)
    sync(tie)
    assert members() == FOUR
    assert not any("limit" in each for each in asked(peer))


def test_a_whole_list_is_waited_for_longer_than_anything_else(
    peer: Peer, tie: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An LMS that does not page begins its answer when all of it is made."""
    said: dict[str, dict[str, Any]] = {}

    def call(*words: Any, **more: Any) -> Reply:
        said["list" if "memberships" in words[2] else "other"] = more
        return peer.call(*words, **more)

    monkeypatch.setattr(http, "call", call)
    sync(tie)
    assert said["list"]["silence"] > http.TIMEOUT_SECONDS
    assert said["list"]["deadline"] > http.DEADLINE_SECONDS
    assert "silence" not in said["other"]


def test_a_worker_that_is_killed_loses_no_page(
    peer: Peer, tie: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    peer.grades.behaviour.page_size = 2
    at_page(peer, monkeypatch, 4, killed)
    with pytest.raises(KilledError):
        sync(tie)
    assert members() == set()
    peer.calls.clear()
    sync(tie)
    assert asked(peer) == ["from=4"]
    assert members() == FOUR


def test_n8_whoever_is_only_on_pages_read_before_the_kill_stays(
    peer: Peer, tie: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    sync(tie)
    peer.grades.behaviour.page_size = 2
    at_page(peer, monkeypatch, 4, killed)
    with pytest.raises(KilledError):
        sync(tie)
    peer.calls.clear()
    sync(tie)
    assert asked(peer) == ["from=4"]
    assert members() == FOUR


def test_a_list_too_long_for_one_job_is_read_by_several(
    peer: Peer, tie: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(roster_reading, "PAGES_A_JOB", 2)
    peer.grades.behaviour.page_size = 1
    sync(tie)
    assert members() == set()
    assert waiting() == 1
    work_off()
    assert members() == FOUR
    assert asked(peer) == ["", *(f"from={each}" for each in range(1, 5))]
    assert problem() is None


def test_a_job_stops_after_so_many_lines_too(
    peer: Peer, tie: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(roster_reading, "LINES_A_JOB", 2)
    peer.grades.behaviour.page_size = 2
    sync(tie)
    assert (asked(peer), waiting()) == ([""], 1)
    work_off()
    assert members() == FOUR


def test_n8_the_second_reading_is_continued_too(
    peer: Peer, tie: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Somebody seems gone, so that the list is read again, over several jobs; then they are."""
    sync(tie)
    monkeypatch.setattr(roster_reading, "PAGES_A_JOB", 1)
    second = '</services/2/memberships?from=2>; rel="next"'

    def three(url: str) -> Reply:
        if "from=2" in url:
            return listing(learner(9))
        return listing(learner(6), learner(7), Link=second)

    urls: list[str] = []
    monkeypatch.setattr(http, "call", answering(peer, lambda url: urls.append(url) or three(url)))
    sync(tie)
    work_off()
    assert [urlsplit(each).query for each in urls] == ["", "from=2"] * 2
    assert members() == FOUR - {"8"}


def test_domain_7_4_many_ends_found_over_several_jobs_wait_for_an_admin(
    peer: Peer, tie: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    peer.grades.behaviour.crowd = 20
    sync(tie)
    assert len(members()) == 24
    monkeypatch.setattr(roster_reading, "PAGES_A_JOB", 1)
    peer.grades.behaviour.crowd, peer.grades.behaviour.page_size = 0, 2
    sync(tie)
    work_off()
    assert len(members()) == 24
    assert len(db.session.query(HeldSync).one().leaving) == 20


@pytest.mark.parametrize(("status", "is_continued"), [(502, True), (429, True), (404, False)])
def test_trouble_that_may_pass_keeps_the_place(
    peer: Peer,
    tie: int,
    monkeypatch: pytest.MonkeyPatch,
    status: int,
    is_continued: bool,
) -> None:
    peer.grades.behaviour.page_size = 2
    at_page(peer, monkeypatch, 2, lambda: Reply(status, {}, b"not now"))
    sync(tie)
    assert problem() == f"{status} not now"
    peer.calls.clear()
    sync(tie)
    assert asked(peer) == [*([] if is_continued else [""]), "from=2", "from=4"]
    assert members() == FOUR
    assert problem() is None


def test_what_was_begun_long_ago_is_begun_anew(
    peer: Peer, tie: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    peer.grades.behaviour.page_size = 2
    at_page(peer, monkeypatch, 4, killed)
    with pytest.raises(KilledError):
        sync(tie)
    peer.calls.clear()
    with clock.at(NOW + roster_reading.KEPT_FOR + timedelta(seconds=1)):
        sync(tie)
    assert asked(peer) == ["", "from=2", "from=4"]


def test_a_list_that_lies_elsewhere_by_now_is_begun_anew(
    peer: Peer, tie: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No page of the former address is asked for with a token of today."""
    peer.grades.behaviour.page_size = 2
    at_page(peer, monkeypatch, 4, killed)
    with pytest.raises(KilledError):
        sync(tie)
    peer.calls.clear()
    course = db.session.query(LmsCourse).one()
    course.members_url = f"{course.members_url}?moved=1"
    db.session.commit()
    sync(tie)
    assert asked(peer)[0] == "moved=1"


def test_a_job_that_another_has_overtaken_stops(
    peer: Peer, tie: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    peer.grades.behaviour.page_size = 2
    at_page(peer, monkeypatch, 2, lambda: sync(tie))
    sync(tie)
    assert asked(peer) == ["", "from=2", "from=2", "from=4"]
    assert members() == FOUR


def test_a_list_that_was_read_to_its_end_before_a_kill_is_applied_as_it_is(
    peer: Peer, tie: int
) -> None:
    def dies(_connection: Any, _cursor: Any, statement: str, *_more: Any) -> None:
        if statement.startswith("INSERT INTO roster_entry"):
            raise KilledError

    event.listen(db.engine, "before_cursor_execute", dies)
    try:
        with pytest.raises(KilledError):
            sync(tie)
    finally:
        event.remove(db.engine, "before_cursor_execute", dies)
    peer.calls.clear()
    sync(tie)
    assert asked(peer) == []
    assert members() == FOUR
    assert db.session.query(RosterTie).one().reading is None
