"""The miniature LMS's own pages, looked at on a phone."""

import smtplib
from collections.abc import Iterator
from dataclasses import dataclass
from email.message import EmailMessage
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from sandbox.inbox import smtp_server
from sandbox.lms import Campus, create_lms
from sandbox.oidc import Tool
from tests.support.browser import free_address, overflows, serving
from tests.support.smtp import free_port

LONG = "Certificate" * 12


@dataclass(frozen=True)
class Lms:
    """Where the LMS listens for browsers and for mails."""

    url: str
    smtp_port: int


@pytest.fixture
def lms(tmp_path: Path) -> Iterator[Lms]:
    with free_address() as address:
        url = f"http://127.0.0.1:{address.port}"
        tool = Tool(
            client_id="client",
            deployment_id="1",
            login_url=f"{url}/course",
            launch_url=f"{url}/course",
            jwks_url=f"{url}/jwks",
        )
        app = create_lms(Campus(url=url, folder=tmp_path, tool=tool, tool_origin=url))
        port = free_port()
        server = smtp_server(app.extensions["inbox"], host="127.0.0.1", port=port)
        server.start()
        try:
            with serving(app, address):
                yield Lms(url, port)
        finally:
            server.stop()


def send(lms: Lms) -> None:
    mail = EmailMessage()
    mail["From"], mail["To"], mail["Subject"] = "a@example.test", "b@example.test", LONG
    mail.set_content("Hello")
    mail.add_alternative(
        f'<p id="x">Hello</p><script>x.textContent = "bad"</script><a href="{lms.url}/jwks">Check',
        subtype="html",
    )
    mail.add_attachment(b"%PDF-", maintype="application", subtype="pdf", filename="paper.pdf")
    with smtplib.SMTP("127.0.0.1", lms.smtp_port) as client:
        client.send_message(mail)


def test_a_mail_is_read_its_link_opens_and_its_file_is_saved(browser: Browser, lms: Lms) -> None:
    send(lms)
    context = browser.new_context(viewport={"width": 400, "height": 800})
    page = context.new_page()
    page.goto(f"{lms.url}/inbox")
    assert overflows(page) == 0
    page.get_by_text(LONG).click()
    mail = page.frame_locator("iframe.mail")
    expect(mail.get_by_text("Hello")).to_be_visible()
    assert overflows(page) == 0
    with context.expect_page() as opened:
        mail.get_by_role("link", name="Check").click()
    assert opened.value.url == f"{lms.url}/jwks"
    with page.expect_download() as saved:
        page.get_by_role("link", name="paper.pdf").click()
    assert saved.value.suggested_filename == "paper.pdf"
    context.close()


def test_the_login_goes_on_without_scripts_by_its_button(browser: Browser, lms: Lms) -> None:
    context = browser.new_context(viewport={"width": 400, "height": 800}, java_script_enabled=False)
    page = context.new_page()
    page.goto(lms.url)
    page.get_by_role("button", name="Łucja").click()
    page.get_by_role("link", name="My safety training").click()
    frame = page.frame_locator("iframe[name=contentframe]")
    expect(frame.get_by_role("button", name="Continue")).to_be_visible()
    context.close()
