"""A course of either edition that does what a test tells it to, and how its page may go."""

from collections.abc import Callable
from typing import Any

from playwright.sync_api import Frame, Page

from tests.browser.playing import content_of, stored, until
from tests.support.packages import item, manifest, package

# A course that does what the test tells it to: `window.scorm` calls the API it found.
PROBE = """<!doctype html><meta charset="utf-8"><title>Probe</title><p>Probe</p>
<script>
let api = null;
for (let at = window; !api && at; at = at === at.parent ? null : at.parent) {
  try { api = at.API; } catch { break; }
}
if (!api && window.opener) api = window.opener.parent.API;
window.scorm = api;
window.started = location.search.includes("silent") ? "true" : api.LMSInitialize("");
const at = new URLSearchParams(location.search).get("leave");
if (at) addEventListener(at, () => {
  api.LMSSetValue("cmi.core.exit", "suspend");
  api.LMSCommit("");
  api.LMSFinish("");
});
</script>"""


def probe(leave: str = "") -> Any:
    """A package of the probe that finishes in this event handler (none: it just vanishes)."""
    href = f"index.html?leave={leave}" if leave else "index.html"
    inside = "<adlcp:masteryscore>80</adlcp:masteryscore>"
    resources = (
        '<resource identifier="R1" type="webcontent" adlcp:scormtype="sco" '
        f'href="{href}"></resource>'
    )
    content = manifest(items=item(inside=inside), resources=resources, title="Probe")
    return package({"index.html": PROBE, "next.html": PROBE}, manifest_bytes=content)


CALLS = {
    "1.2": ("I1", "LMSSetValue", "LMSCommit", "LMSFinish", "cmi.core.lesson_status"),
    "2004": ("ONE", "SetValue", "Commit", "Terminate", "cmi.completion_status"),
}


class Course:
    """A running part of either edition."""

    def __init__(self, page: Page, edition: str) -> None:
        self.page = page
        self.name, self._set, self._commit, self._finish, self._status = CALLS[edition]

    @property
    def frame(self) -> Frame:
        return content_of(self.page)

    def remember(self, text: str) -> None:
        said = ["cmi.suspend_data", text]
        assert self.frame.evaluate(f"([e, v]) => scorm.{self._set}(e, v)", said) == "true"

    def complete(self) -> None:
        said = [self._status, "completed"]
        assert self.frame.evaluate(f"([e, v]) => scorm.{self._set}(e, v)", said) == "true"

    def commit(self) -> str:
        return str(self.frame.evaluate(f"() => scorm.{self._commit}('')"))

    def finish(self) -> str:
        return str(self.frame.evaluate(f"() => scorm.{self._finish}('')"))

    def arrived(self, text: str) -> bool:
        return bool(until(lambda: stored(self.name).get("suspend_data") == text))


Probing = Callable[..., Course]


def leave(page: Page, way: str) -> None:
    if way == "close":
        page.close(run_before_unload=False)
    elif way == "navigate":
        page.goto("about:blank")
    else:
        page.evaluate("() => document.getElementById('player').remove()")
