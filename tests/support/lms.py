"""The miniature LMS on a site of its own, with the tool registered in it."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from flask import Flask
from playwright.sync_api import Frame, FrameLocator, Page

from plugin.core import clock
from plugin.core.http import Reply
from plugin.org.models import Identity, Person
from sandbox.cookies import NoCookies
from sandbox.lms import Campus, create_lms
from sandbox.oidc import Tool
from sandbox.people import BY_USERNAME
from sandbox.storing import Storage
from tests.functional.lti.conftest import register
from tests.functional.lti.platform import Lms
from tests.support.browser import free_address, serving
from tests.support.world import World

FRAME = "contentframe"


@dataclass(frozen=True, slots=True)
class Site:
    """A running LMS."""

    url: str
    app: Flask
    lms: Lms
    world: World

    @property
    def storage(self) -> Storage:
        found: Storage = self.app.extensions["storage"]
        return found

    def key_set(self) -> Reply:
        """What its key set address answers."""
        with self.app.test_client() as client:
            answer = client.get("/jwks")
        return Reply(200, dict(answer.headers), answer.get_data())

    def person(self, username: str) -> Person:
        """Somebody of the LMS, known to the tool already."""
        said = BY_USERNAME[username]
        person = self.world.person(said.name, email=said.email)
        self.world.add(
            Identity(
                organization_id=person.organization_id,
                person_id=person.id,
                issuer=self.lms.issuer,
                client_id=self.lms.client_id,
                subject=said.sub,
                created_at=clock.now(),
            )
        )
        return person

    def open(self, page: Page, username: str, activity: str = "My safety training") -> FrameLocator:
        """The person opens the activity; what is in its frame."""
        page.goto(self.url)
        page.get_by_role("button", name=BY_USERNAME[username].given_name).first.click()
        page.get_by_role("link", name=activity).click()
        return page.frame_locator(f"iframe[name={FRAME}]")


def frame_of(page: Page) -> Frame:
    """The frame the tool is shown in."""
    found = page.frame(name=FRAME)
    assert found is not None
    return found


@contextmanager
def installed(world: World, tool_url: str, folder: Path) -> Iterator[Site]:
    """An LMS on 127.0.0.1, another site than the tool's, until the end of the block."""
    with free_address() as found:
        url = f"http://127.0.0.1:{found.port}"
        lms = register(world, issuer=url, auth_url=f"{url}/auth", tool_url=tool_url)
        app = create_lms(campus(url, folder, lms, tool_url))
        with serving(app, found):
            yield Site(url, app, lms, world)


def campus(url: str, folder: Path, lms: Lms, tool_url: str) -> Campus:
    """The LMS in which the tool of this registration is installed."""
    tool = Tool(
        client_id=lms.client_id,
        deployment_id=lms.deployment_id,
        login_url=f"{tool_url}/lti/{lms.uid}/login",
        launch_url=lms.target,
        jwks_url=f"{tool_url}/lti/{lms.uid}/jwks",
    )
    return Campus(
        url=url,
        folder=folder,
        tool=tool,
        tool_origin=tool_url,
        cookies=NoCookies(folder / "no-cookies"),
    )
