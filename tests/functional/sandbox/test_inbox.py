"""The inbox: mails come by SMTP, and are shown without doing anything to whoever looks."""

import re
import smtplib
from collections.abc import Iterator
from email.message import EmailMessage
from pathlib import Path

import pytest
from flask.testing import FlaskClient

from sandbox.inbox import Inbox, page_of, smtp_server
from tests.support.smtp import free_port

FORWARDED = (
    b"Content-Type: multipart/mixed; boundary=x\r\n\r\n--x\r\nContent-Type: message/rfc822\r\n"
    b"Content-Disposition: attachment\r\n\r\nSubject: inner\r\n\r\nHello\r\n--x--\r\n"
)
PDF = b"%PDF-1.7 not really"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "mail"


@pytest.fixture
def smtp(folder: Path) -> Iterator[smtplib.SMTP]:
    port = free_port()
    server = smtp_server(Inbox(folder), host="127.0.0.1", port=port)
    server.start()
    try:
        with smtplib.SMTP("127.0.0.1", port) as client:
            yield client
    finally:
        server.stop()


def certificate_mail(subject: str = "Your certificate") -> EmailMessage:
    mail = EmailMessage()
    mail["From"], mail["To"], mail["Subject"] = "a@example.test", "lars@example.test", subject
    mail.set_content("Hello Lars Ødegård")
    mail.add_alternative(
        '<!doctype html><html><head lang="en"><title>x</title></head>'
        '<body><a href="http://localhost:8700/verify/x">Check</a></body></html>',
        subtype="html",
    )
    mail.add_attachment(PDF, maintype="application", subtype="pdf", filename="certificate.pdf")
    return mail


def text(lms: FlaskClient, path: str) -> str:
    answer = lms.get(path)
    assert answer.status_code == 200
    return answer.get_data(as_text=True)


def newest(lms: FlaskClient) -> str:
    """The address of the first mail of the list."""
    found = re.search(r"/inbox/\d+", text(lms, "/inbox"))
    assert found is not None
    return found[0]


def test_a_sent_mail_is_listed_newest_first_and_shown_with_its_pdf(
    lms: FlaskClient, smtp: smtplib.SMTP
) -> None:
    smtp.send_message(certificate_mail("The first"))
    smtp.send_message(certificate_mail("The second"))
    listed = text(lms, "/inbox")
    assert listed.index("The second") < listed.index("The first")
    page = text(lms, newest(lms))
    assert "The second" in page
    assert "lars@example.test" in page
    assert "Hello Lars Ødegård" in page
    file = lms.get(f"{newest(lms)}/files/0")
    assert (file.data, file.mimetype) == (PDF, "application/pdf")
    assert "certificate.pdf" in file.headers["Content-Disposition"]


def test_links_of_a_mail_leave_its_frame(lms: FlaskClient, smtp: smtplib.SMTP) -> None:
    smtp.send_message(certificate_mail())
    assert '<head lang="en"><base target="_blank">' in text(lms, f"{newest(lms)}/html")
    frame = re.search(r'<iframe class="mail"[^>]*>', text(lms, newest(lms)))
    assert frame is not None
    assert 'sandbox="allow-popups allow-popups-to-escape-sandbox"' in frame[0]


def test_a_mails_html_can_run_nothing_and_reach_nothing(lms: FlaskClient, folder: Path) -> None:
    keep(
        folder,
        b"From: a@example.test\r\nTo: b@example.test\r\nSubject: <b>Hi</b>\r\n"
        b"Content-Type: text/html\r\n\r\n<script>alert(1)</script><p>Hello</p>",
    )
    assert "&lt;b&gt;Hi&lt;/b&gt;" in text(lms, "/inbox")
    policy = lms.get("/inbox/123/html").headers["Content-Security-Policy"]
    assert policy.startswith("sandbox ")
    for freedom in ("allow-scripts", "allow-same-origin", "allow-forms", "script-src", "http"):
        assert freedom not in policy
    assert "default-src 'none'" in policy


def test_an_attachment_is_saved_and_never_becomes_a_page_of_the_lms(
    lms: FlaskClient, smtp: smtplib.SMTP
) -> None:
    mail = certificate_mail()
    mail.add_attachment("<script src=/x></script>", subtype="html", filename="page.html")
    smtp.send_message(mail)
    file = lms.get(f"{newest(lms)}/files/1")
    assert file.headers["Content-Disposition"].startswith("attachment")
    assert file.headers["X-Content-Type-Options"] == "nosniff"


@pytest.mark.parametrize(
    "raw",
    [
        b"\r\n",
        b"Subject: no more\r\n\r\n",
        FORWARDED,
        b"Content-Type: text/plain; charset=utf-8\r\n\r\n\xff\xfe",
    ],
)
def test_an_odd_mail_hides_no_other(lms: FlaskClient, folder: Path, raw: bytes) -> None:
    keep(folder, raw)
    assert "/inbox/123" in text(lms, "/inbox")
    text(lms, "/inbox/123")
    text(lms, "/inbox/123/html")


@pytest.mark.parametrize(
    "path", ["999", "..%2fx", "²", "9" * 5000, "123/files/0", "123/files/7", "x/html"]
)
def test_what_is_not_there_is_not_found(lms: FlaskClient, folder: Path, path: str) -> None:
    keep(folder, b"Subject: Hi\r\n\r\nHello")
    assert lms.get(f"/inbox/{path}").status_code == 404


def keep(folder: Path, raw: bytes) -> None:
    """A mail of these bytes lies in the inbox as number 123."""
    folder.mkdir(exist_ok=True)
    (folder / "123.eml").write_bytes(raw)


def test_a_picture_that_the_mail_brings_stands_in_the_page() -> None:
    mail = EmailMessage()
    mail.set_content("Hello")
    mail.add_alternative(
        '<html><head></head><body><img src="cid:logo"></body></html>', subtype="html"
    )
    html = mail.get_body(("html",))
    assert isinstance(html, EmailMessage)
    html.add_related(b"picture", "image", "png", cid="<logo>")
    assert 'src="data:image/png;base64,cGljdHVyZQ=="' in page_of(mail)
