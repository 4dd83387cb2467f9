"""What servers and services say of mails that did not arrive, read into one form."""

import json
from typing import Any

import pytest

from plugin.notify import sns
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
        "bouncedRecipients": [
            {
                "emailAddress": "ada@example.test",
                "action": "failed",
                "status": "5.1.1",
                "diagnosticCode": "smtp; 550 5.1.1 unknown",
            }
        ],
        "timestamp": "2027-03-10T09:30:00.000Z",
        "feedbackId": "f-1",
        "reportingMTA": "dns; mta.example.test",
    },
    "mail": {
        "timestamp": "2027-03-10T09:29:00.000Z",
        "messageId": "what the service calls it",
        "source": "training@example.test",
        "destination": ["ada@example.test"],
        "headersTruncated": False,
        "headers": [{"name": "Message-ID", "value": MESSAGE_ID}],
        "commonHeaders": {"messageId": MESSAGE_ID, "to": ["ada@example.test"]},
    },
}
SNS = {
    "Type": "Notification",
    "MessageId": "n-1",
    "TopicArn": "arn:aws:sns:eu-west-1:123456789012:bounces",
    "Timestamp": "2027-03-10T09:30:01.000Z",
    "SignatureVersion": "1",
    "Signature": "x",
    "SigningCertURL": "https://sns.eu-west-1.amazonaws.com/x.pem",
    "UnsubscribeURL": "https://sns.eu-west-1.amazonaws.com/?Action=Unsubscribe",
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
        "signature": {"timestamp": "1804671000", "token": "x", "signature": "y"},
        "event-data": {
            "event": "failed",
            "severity": "permanent",
            "reason": "bounce",
            "id": "e-1",
            "timestamp": 1804671000.1,
            "log-level": "error",
            "recipient": "ada@example.test",
            "recipient-domain": "example.test",
            "message": {"headers": {"message-id": MESSAGE_ID.strip("<>")}, "size": 900},
            "delivery-status": {
                "attempt-no": 1,
                "code": 550,
                "enhanced-code": "5.1.1",
                "description": "",
                "message": "5.1.1 unknown",
                "bounce-type": "hard",
            },
        },
    },
    "SendGrid": [
        {"event": "processed", "email": "ada@example.test", "smtp-id": MESSAGE_ID},
        {
            "event": "bounce",
            "type": "bounce",
            "bounce_classification": "Invalid Address",
            "email": "ada@example.test",
            "timestamp": 1804671000,
            "smtp-id": MESSAGE_ID,
            "status": "5.1.1",
            "reason": "550 5.1.1 unknown",
            "sg_event_id": "s-1",
            "sg_message_id": "what the service calls it",
            "tls": 1,
        },
    ],
    "Amazon SES": SES,
    "Amazon SES by way of SNS": SNS | {"Message": json.dumps(SES)},
    "Amazon SES, events of a configuration set": SNS
    | {
        "Message": json.dumps({"eventType": "Bounce", "bounce": SES["bounce"], "mail": SES["mail"]})
    },
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


@pytest.mark.parametrize(
    "said",
    [
        {"RecordType": "Delivery", "Recipient": "ada@example.test"},
        {"RecordType": "SpamComplaint", "Type": "SpamComplaint", "Email": "ada@example.test"},
        {"RecordType": "Bounce", "Type": "AutoResponder", "Email": "ada@example.test"},
        {"notificationType": "Complaint", "complaint": {}, "mail": {}},
        {"eventType": "Delivery", "delivery": {}, "mail": {}},
        SNS | {"Message": json.dumps({"notificationType": "Delivery"})},
        [{"event": "deferred", "email": "ada@example.test", "response": "400 later"}],
        {"event-data": {"event": "delivered", "recipient": "ada@example.test"}},
    ],
)
def test_what_else_services_tell_is_no_bounce(said: Any) -> None:
    assert from_json(json.dumps(said).encode()) == []


@pytest.mark.parametrize(
    ("event", "is_hard"),
    [
        ({"event": "dropped", "reason": "Bounced Address"}, True),
        ({"event": "dropped", "reason": "Spam Content"}, False),
        ({"event": "bounce", "type": "blocked", "reason": "unable to get mx info"}, False),
        ({"event": "bounce", "type": "bounce", "status": "5.2.2", "reason": "full"}, False),
        ({"event": "bounce", "type": "bounce", "reason": "no such user"}, True),
    ],
)
def test_sendgrid_says_whether_it_is_about_the_address(event: Any, is_hard: bool) -> None:
    (report,) = from_json(json.dumps([event | {"email": "ada@example.test"}]).encode())
    assert (report.is_hard, report.gave_up) == (is_hard, True)


@pytest.mark.parametrize(
    ("url", "is_visited"),
    [
        ("https://sns.eu-west-1.amazonaws.com/?Action=ConfirmSubscription&Token=1", True),
        ("https://sns.cn-north-1.amazonaws.com.cn/?Token=1", True),
        ("http://sns.eu-west-1.amazonaws.com/?Token=1", False),
        ("https://sns.eu-west-1.amazonaws.com.evil.test/?Token=1", False),
        ("https://evil.test/?sns.eu-west-1.amazonaws.com", False),
        ("https://sns.eu-west-1.amazonaws.com@evil.test/", False),
        ("https://[", False),
        (None, False),
    ],
)
def test_a_subscription_is_confirmed_only_at_a_server_of_the_service(
    url: Any, is_visited: bool
) -> None:
    asked = {"Type": "SubscriptionConfirmation", "Token": "1", "SubscribeURL": url}
    content = json.dumps(SNS | asked | {"Message": "Hello", "Signature": "AA=="}).encode()
    if not is_visited:
        with pytest.raises(sns.NotTheirsError):
            sns.read(content)
        return
    news = sns.read(content)
    assert news is not None
    assert news.visit_url == url


def test_postmark_still_tries_after_a_delay() -> None:
    said = {"RecordType": "Bounce", "ID": 7, "Type": "Transient", "Email": "ada@example.test"}
    (report,) = from_json(json.dumps(said).encode())
    assert (report.is_hard, report.gave_up) == (False, False)


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
