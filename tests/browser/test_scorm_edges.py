"""Where the page is neither gone nor fully there: hidden, leaving, without network, much to say."""

import io
from typing import Any

import pytest
from playwright.sync_api import BrowserContext, Page
from sqlalchemy import select

from plugin.core.db import db
from plugin.scorm.models import CommitEvent
from tests.browser.playing import Playing, content_of, shell_of, stored, until
from tests.browser.probing import CALLS, PROBE, Probing, leave
from tests.browser.troubles import Trouble
from tests.support.packages import item, manifest, package, resource

HIDE = """() => {
  Object.defineProperty(document, "visibilityState", { value: "hidden", configurable: true });
  document.dispatchEvent(new Event("visibilitychange"));
}"""
# Beside what could not be delivered lie something unreadable and something never acceptable.
LITTER = """() => {
  const prefix = `module-assignment:outbox:${document.body.dataset.outbox}:`;
  const entry = {sco: "I1", seq: 1, trigger: "manual", cmi: {}};
  const kept = [
    {opening: 1, commits: [null]},
    {opening: "x", commits: [entry]},
    {opening: 9, commits: [entry]},
    {opening: 1, commits: "x"},
    null,
  ];
  kept.forEach((each, at) => {
    const written = JSON.stringify(each && {at: Date.now(), ...each});
    localStorage.setItem(prefix + (at || 1), written);
  });
}"""
SPOIL = """() => {
  const mine = Object.keys(localStorage).find((key) => localStorage[key].includes("good"));
  const odd = { at: Date.now(), opening: 1, commits: [{ seq: 1, sco: "nobody" }] };
  localStorage.setItem(mine.replace(/[^:]*:[^:]*$/, "somebody:1"), "no { JSON");
  localStorage.setItem(mine.replace(/[^:]*$/, "1"), JSON.stringify(odd));
}"""
KB30 = "c" * 30_000
MOST = "ü" * 64_000


@pytest.mark.parametrize("edition", CALLS)
def test_what_was_not_committed_is_saved_when_the_page_is_put_in_the_background(
    page: Page, probing: Probing, edition: str
) -> None:
    running = probing(edition)
    running.remember("in the background")
    shell_of(page).evaluate(HIDE)
    assert stored(running.name)["suspend_data"] == "in the background"
    db.session.rollback()
    assert "hidden" in db.session.scalars(select(CommitEvent.trigger)).all()


@pytest.mark.parametrize("edition", CALLS)
def test_what_was_not_committed_is_saved_when_the_page_goes_unseen(
    page: Page, probing: Probing, edition: str
) -> None:
    """Browsers need not say that a page is hidden before they say that it goes."""
    running = probing(edition)
    running.remember("before it went")
    shell_of(page).evaluate("() => void dispatchEvent(new PageTransitionEvent('pagehide'))")
    assert stored(running.name)["suspend_data"] == "before it went"
    db.session.rollback()
    assert "guard" in db.session.scalars(select(CommitEvent.trigger)).all()


@pytest.mark.parametrize("edition", CALLS)
def test_a_page_in_the_background_without_network_acknowledges_nothing(
    page: Page, context: BrowserContext, probing: Probing, edition: str
) -> None:
    running = probing(edition)
    context.set_offline(True)
    shell_of(page).evaluate(HIDE)
    running.remember("nobody has it yet")
    assert running.commit() == "false"
    context.set_offline(False)
    assert running.arrived("nobody has it yet")


@pytest.mark.parametrize("edition", CALLS)
def test_much_committed_and_finished_at_once_is_saved(probing: Probing, edition: str) -> None:
    running = probing(edition)
    running.remember(KB30)
    assert (running.commit(), running.finish()) == ("true", "true")
    assert stored(running.name)["suspend_data"] == KB30


@pytest.mark.parametrize("edition", CALLS)
@pytest.mark.parametrize("way", ["navigate", "remove the frame"])
def test_a_part_that_finishes_before_its_page_unloads_is_saved(
    page: Page, probing: Probing, edition: str, way: str
) -> None:
    running = probing(edition, "beforeunload")
    running.remember("said before")
    leave(page, way)
    assert running.arrived("said before")


@pytest.mark.parametrize("edition", CALLS)
def test_more_than_any_beacon_carries_is_delivered_at_the_next_opening(
    page: Page, context: BrowserContext, probing: Probing, edition: str
) -> None:
    """The player in a tab of its own: frames of another site have no storage in this browser."""
    running = probing(edition)
    page.goto(shell_of(page).url)
    content_of(page)
    running.remember(MOST)
    address = page.url
    page.goto("about:blank")
    assert stored(running.name).get("suspend_data", "") == ""
    page.goto(address)
    content_of(page)
    assert stored(running.name)["suspend_data"] == MOST


ADDRESSES = [
    ("a b.html", "a%20b.html"),
    ("a b.html", "a b.html"),
    ("höhe/ü.html", "höhe/ü.html"),
    ("höhe/ü.html", "h%C3%B6he%2F%C3%BC.html"),
    ("安全.html", "安全.html?lang=安全#安全"),
    ("a#b.html", "a%23b.html"),
    ("a+b.html", "a+b.html"),
    ("100%.html", "100%25.html"),
    ("100%.html", "100%.html"),
    ("d\\x.html", "d\\x.html"),
    ("a%20b.html", "a%20b.html"),
    ("two  spaces.html", "two  spaces.html"),
    ("caf\u00e9.html", "caf%E9.html"),
    ("Start.HTML", "start.html?a=1&amp;b=2#top"),
]


# Two commits that nobody could take; only the second is too much for a beacon with the course's.
LATER = """async () => {
  const { Transport } = await import("/static/scorm/transport.js");
  const { Outbox } = await import("/static/scorm/outbox.js");
  const nothing = () => {};
  const heard = { saved: nothing, trouble: nothing, unstored: nothing, refused: nothing };
  const outbox = new Outbox("later");
  const transport = new Transport("http://nowhere.invalid/", outbox, heard);
  const beacons = [];
  navigator.sendBeacon = (_address, body) => beacons.push(body) > 0;
  transport.begin(1);
  transport.commit({ sco: "ONE", cmi: {} }, { sco: "", cmi: { state: "where it stands" } });
  transport.commit({ sco: "ONE", cmi: { suspend_data: "y".repeat(63_900) } });
  transport.end();
  const named = ({ sco, seq }) => [sco || "course", seq];
  const seqs = (entries) => Object.fromEntries(entries.map(named));
  return [seqs(JSON.parse(await beacons.at(-1).text()).commits), seqs(outbox.list())];
}"""


def test_what_a_beacon_leaves_out_is_not_old_when_it_follows(page: Page, probing: Probing) -> None:
    probing("2004")
    sent, left = shell_of(page).evaluate(LATER)
    assert list(sent) == ["ONE"]
    assert left["course"] > sent["ONE"]


@pytest.mark.parametrize(("name", "href"), ADDRESSES)
def test_a_course_starts_whatever_its_files_are_called(play: Any, name: str, href: str) -> None:
    content = manifest(resources=resource(href=href))
    played = play(package({name: PROBE}, manifest_bytes=content))
    assert content_of(played.page).evaluate("() => scorm.LMSGetValue('cmi.core.entry')")


def test_a_part_may_ask_send_forms_and_give_files(page: Page, probing: Probing) -> None:
    """Courses ask "resume where you left?" with `confirm`, and give certificates to download."""
    frame = probing("1.2").frame
    page.once("dialog", lambda asked: asked.accept())
    assert frame.evaluate("() => confirm('Resume?')") is True
    with page.expect_download() as given:
        frame.evaluate(
            """() => {
              const link = Object.assign(document.createElement("a"), { href: "next.html" });
              link.download = "";
              document.body.append(link);
              link.click();
            }"""
        )
    assert given.value.suggested_filename == "next.html"
    frame.evaluate(
        """() => {
          document.body.insertAdjacentHTML("beforeend", "<form action='next.html?silent'></form>");
          document.forms[0].submit();
        }"""
    )
    frame.wait_for_url("**/next.html*")


def test_a_part_opened_in_a_window_of_its_own_finds_the_api(
    context: BrowserContext, play: Any
) -> None:
    content = manifest(resources=resource(href="index.html?silent"))
    played = play(package({"index.html": PROBE}, manifest_bytes=content))
    with context.expect_page() as opened:
        content_of(played.page).evaluate("() => void window.open('index.html', 'content')")
    opened.value.wait_for_function("() => window.started === 'true'")
    opened.value.evaluate("() => scorm.LMSSetValue('cmi.suspend_data', 'popup')")
    assert opened.value.evaluate("() => scorm.LMSFinish('')") == "true"
    assert stored("I1")["suspend_data"] == "popup"


PARTS = 6


def many_parts() -> io.BytesIO:
    """A course whose parts together have more to say than one request may carry."""
    names = range(1, PARTS + 1)
    content = manifest(
        items="".join(item(f"I{n}", f"Part {n}", f"R{n}") for n in names),
        resources="".join(resource(f"R{n}", f"index.html?part=I{n}") for n in names),
    )
    return package({"index.html": PROBE}, manifest_bytes=content)


def said_by_all(played: Playing) -> None:
    """Every part says as much as it may."""
    for number in range(1, PARTS + 1):
        if number > 1:
            played.choose(f"Part {number}")
        frame = content_of(played.page, url=f"part=I{number}")
        until(lambda frame=frame: frame.evaluate("() => window.started === 'true'"))
        assert frame.evaluate("t => scorm.LMSSetValue('cmi.suspend_data', t)", MOST) == "true"
        frame.evaluate("() => scorm.LMSCommit('')")


def arrived() -> bool:
    kept = [stored(f"I{number}").get("suspend_data") for number in range(1, PARTS + 1)]
    return kept == [MOST] * PARTS


def test_more_than_one_request_may_carry_goes_in_several(play: Any, trouble: Trouble) -> None:
    trouble.status = 500
    played = play(many_parts())
    said_by_all(played)
    trouble.status = 0
    until(arrived, 40)
    played.shell.locator("#trouble").wait_for(state="hidden")


def test_more_than_one_request_may_carry_is_delivered_at_the_next_opening(
    page: Page, play: Any, trouble: Trouble
) -> None:
    played = play(many_parts())
    page.goto(shell_of(page).url)
    trouble.status = 500
    said_by_all(played)
    address = page.url
    page.goto("about:blank")
    trouble.status = 0
    page.goto(address)
    until(arrived)


def test_what_can_never_be_taken_does_not_keep_the_rest_from_being_delivered(
    page: Page, probing: Probing, trouble: Trouble
) -> None:
    running = probing("1.2")
    page.goto(shell_of(page).url)
    content_of(page)
    trouble.status = 500
    running.remember("good")
    running.commit()
    page.evaluate(SPOIL)
    address = page.url
    page.goto("about:blank")
    trouble.status = 0
    page.goto(address)
    content_of(page)
    assert stored("I1")["suspend_data"] == "good"
    assert page.evaluate("() => localStorage.length") == 0


def test_what_is_not_as_we_keep_it_is_thrown_away_and_keeps_nobody_out(
    page: Page, probing: Probing
) -> None:
    """Courses can write into the storage in which undelivered work waits."""
    running = probing("1.2")
    page.goto(shell_of(page).url)
    content_of(page)
    page.evaluate(LITTER)
    page.reload()
    content_of(page)
    running.remember("good")
    assert running.commit() == "true"
    assert page.evaluate("() => localStorage.length") == 0
