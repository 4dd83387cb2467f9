"""What servers and services say of mails that did not arrive, read into one form."""

import json
from typing import Any

import pytest

from plugin.notify.bounces import (
    UnknownFormError,
    from_json,
    from_notification,
    header_id_of,
    is_hard_status,
)

OURS = "0123456789abcdef0123456789abcdef"
MESSAGE_ID = f"<{OURS}@example.test>"


def notification(
    *,
    status: str = "5.1.1",
    action: str = "failed",
    to: str = "training@example.test",
    returned: str = f"Message-ID: {MESSAGE_ID}\r\nSubject: Your certificate\r\n",
    kind: str = "text/rfc822-headers",
) -> bytes:
    """What a mail server sends back (RFC 3464 §2)."""
    return (
        f"From: MAILER-DAEMON@mx.example.org\r\nTo: {to}\r\nSubject: Undelivered Mail\r\n"
        "MIME-Version: 1.0\r\n"
        'Content-Type: multipart/report; report-type=delivery-status; boundary="b"\r\n\r\n'
        "--b\r\nContent-Type: text/plain\r\n\r\nI am sorry to tell you.\r\n"
        "--b\r\nContent-Type: message/delivery-status\r\n\r\n"
        "Reporting-MTA: dns; mx.example.org\r\n\r\n"
        f"Final-Recipient: rfc822; ada@example.test\r\nAction: {action}\r\nStatus: {status}\r\n"
        "Diagnostic-Code: smtp; 550 5.1.1 <ada@example.test>:\r\n"
        " Recipient address rejected\r\n\r\n"
        f"--b\r\nContent-Type: {kind}\r\n\r\n{returned}\r\n--b--\r\n"
    ).encode()


def test_a_notification_names_mail_recipient_and_the_servers_words() -> None:
    (report,) = from_notification(notification())
    assert report.header_id == OURS
    assert report.address == "ada@example.test"
    assert (report.is_hard, report.gave_up) == (True, True)
    assert report.words == "550 5.1.1 <ada@example.test>: Recipient address rejected"


def test_the_whole_mail_may_come_back_instead_of_its_head() -> None:
    returned = f"Message-ID: {MESSAGE_ID}\r\nSubject: x\r\n\r\nHello\r\n"
    (report,) = from_notification(notification(returned=returned, kind="message/rfc822"))
    assert report.header_id == OURS


def test_the_return_address_names_the_mail_where_nothing_else_does() -> None:
    to = f"bounces+{OURS}@example.test"
    (report,) = from_notification(notification(to=to, returned="Subject: cut off\r\n"))
    assert report.header_id == OURS


@pytest.mark.parametrize("action", ["delayed", "delivered", "relayed", "expanded"])
def test_a_delay_or_a_success_is_no_bounce(action: str) -> None:
    assert from_notification(notification(action=action)) == []


def test_giving_up_after_days_of_trying_says_nothing_of_the_address() -> None:
    (report,) = from_notification(notification(status="4.4.7"))
    assert (report.is_hard, report.gave_up) == (False, True)


@pytest.mark.parametrize(
    ("status", "is_hard"),
    [
        ("5.1.1", True),
        ("5.1.2", True),
        ("5.2.1", True),
        ("5.4.4", True),
        ("5.0.0", True),
        ("5.2.2", False),  # the mailbox is full
        ("5.2.3", False),  # too long for the mailbox
        ("5.3.4", False),  # too big for the system
        ("5.6.1", False),
        ("5.7.1", False),  # a rule of theirs
        ("4.2.2", False),
        ("2.0.0", False),
        ("", False),
    ],
)
def test_only_a_word_about_the_address_makes_it_dead(status: str, is_hard: bool) -> None:
    assert is_hard_status(status) is is_hard


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"Subject: Hello\r\n\r\nhow are you?",
        b"\xff\xfe\x00",
        b"Content-Type: multipart/report; boundary=b\r\n\r\n--b\r\n\r\nnothing\r\n--b--",
    ],
)
def test_any_other_mail_is_no_report(content: bytes) -> None:
    with pytest.raises(UnknownFormError):
        from_notification(content)


def test_an_empty_status_part_reports_nothing() -> None:
    content = (
        b"Content-Type: multipart/report; boundary=b\r\n\r\n"
        b"--b\r\nContent-Type: message/delivery-status\r\n\r\n\r\n--b--\r\n"
    )
    assert from_notification(content) == []


SES = {
    "notificationType": "Bounce",
    "bounce": {
        "bounceType": "Permanent",
        "bounceSubType": "General",
        "feedbackId": "f-1",
        "bouncedRecipients": [
            {"emailAddress": "ada@example.test", "diagnosticCode": "smtp; 550 5.1.1 unknown"}
        ],
    },
    "mail": {"commonHeaders": {"messageId": MESSAGE_ID}},
}
FORMS: dict[str, Any] = {
    "our own": {
        "bounces": [
            {
                "message_id": MESSAGE_ID,
                "address": "ada@example.test",
                "permanent": True,
                "words": "550 5.1.1 unknown",
                "id": "1",
            }
        ]
    },
    "Mailgun": {
        "signature": {"token": "x"},
        "event-data": {
            "event": "failed",
            "severity": "permanent",
            "id": "e-1",
            "recipient": "ada@example.test",
            "message": {"headers": {"message-id": MESSAGE_ID.strip("<>")}},
            "delivery-status": {"code": 550, "message": "5.1.1 unknown"},
        },
    },
    "SendGrid": [
        {"event": "processed", "email": "ada@example.test"},
        {
            "event": "bounce",
            "type": "bounce",
            "email": "ada@example.test",
            "smtp-id": MESSAGE_ID,
            "reason": "550 5.1.1 unknown",
            "sg_event_id": "s-1",
        },
    ],
    "Amazon SES": SES,
    "Amazon SES by way of SNS": {"Type": "Notification", "Message": json.dumps(SES)},
}


@pytest.mark.parametrize("name", FORMS)
def test_each_known_form_says_the_same(name: str) -> None:
    (report,) = from_json(json.dumps(FORMS[name]).encode())
    assert report.header_id == OURS
    assert report.address == "ada@example.test"
    assert report.is_hard
    assert report.gave_up
    assert "5.1.1 unknown" in report.words


def test_postmark_names_the_address_only() -> None:
    said = {"RecordType": "Bounce", "ID": 7, "Type": "HardBounce", "Email": "ada@example.test"}
    (report,) = from_json(json.dumps(said | {"Details": "unknown"}).encode())
    assert (report.header_id, report.address, report.is_hard) == (None, "ada@example.test", True)
    (soft,) = from_json(json.dumps(said | {"Type": "SoftBounce"}).encode())
    assert not soft.is_hard


def test_a_service_that_still_tries_has_not_given_up() -> None:
    said = json.loads(json.dumps(FORMS["Mailgun"]))
    said["event-data"]["severity"] = "temporary"
    (report,) = from_json(json.dumps(said).encode())
    assert (report.is_hard, report.gave_up) == (False, False)


@pytest.mark.parametrize(
    "said",
    [
        None,
        1,
        [],
        {},
        "text",
        [1, 2],
        {"bounces": None},
        {"bounces": [{}]},
        {"bounces": [{"permanent": "yes", "address": "a@b.test"}]},
        {"bounces": [{"permanent": True}]},
        {"event-data": {}},
        {"event-data": []},
        {"notificationType": "Bounce", "bounce": {}},
        {"RecordType": "Bounce", "Type": "HardBounce", "Email": None},
    ],
)
def test_anything_else_is_refused(said: Any) -> None:
    with pytest.raises(UnknownFormError):
        from_json(json.dumps(said).encode())


@pytest.mark.parametrize("content", [b"", b"{", b"\xff", b"[" * 100_000])
def test_what_is_no_json_is_refused(content: bytes) -> None:
    with pytest.raises(UnknownFormError):
        from_json(content)


def test_the_same_report_told_twice_has_the_same_seal() -> None:
    content = json.dumps(FORMS["SendGrid"]).encode()
    assert from_json(content)[0].seal == from_json(content)[0].seal
    other = json.dumps(FORMS["SendGrid"]).replace("s-1", "s-2").encode()
    assert from_json(content)[0].seal != from_json(other)[0].seal


@pytest.mark.parametrize(
    ("text", "found"),
    [
        (MESSAGE_ID, OURS),
        (f"{OURS}@x", OURS),
        ("<someone@else>", None),
        (None, None),
        (7, None),
        ("<0123>", None),
    ],
)
def test_only_our_own_message_ids_are_known(text: Any, found: str | None) -> None:
    assert header_id_of(text) == found
