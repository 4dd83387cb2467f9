"""What mail servers and mail services say of mails that did not arrive, read into one form.

A delivery status notification (RFC 3464), this product's own JSON, or the JSON of a service.
"""

import hashlib
import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from email import message_from_bytes, policy
from typing import Any

HEADER_ID = re.compile("[0-9a-f]{32}")
STATUS = re.compile(r"\b([245])\.(\d{1,3})\.(\d{1,3})\b")
MAX_WORDS = 500
MAX_REPORTS = 1000
POLICY, MAILBOX, SYSTEM, CONTENT = "7", "2", "3", "6"
FULL, TOO_LONG = "2", "3"


DROPPED_FOR_THE_ADDRESS = {"Bounced Address", "Invalid"}
"""SendGrid does not even try an address that bounced before."""
NO_FAILURES = {
    "AddressChange",
    "AutoResponder",
    "ChallengeVerification",
    "OpenRelayTest",
    "Subscribe",
    "Unsubscribe",
}


class UnknownFormError(ValueError):
    """Nothing here says that a mail did not arrive in a form that is known."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """One mail to one address did not arrive.

    `is_hard`: the address takes no mail, for good. `gave_up`: this mail is not tried again.
    `header_id` is what our Message-ID begins with; without it only the address is known.
    """

    header_id: str | None
    address: str | None
    is_hard: bool
    gave_up: bool
    words: str
    event: str = ""

    @property
    def seal(self) -> str:
        """The same report told twice has the same seal."""
        parts = (self.header_id, self.address, str(self.is_hard), self.event or self.words)
        return hashlib.sha256("\0".join(part or "" for part in parts).encode()).hexdigest()


def from_notification(content: bytes) -> list[Report]:
    """The failures a delivery status notification reports; delays and successes are none."""
    mail: Any = message_from_bytes(content, policy=policy.default)
    parts = list(mail.walk())
    status = next((p for p in parts if p.get_content_type() == "message/delivery-status"), None)
    if status is None:
        raise UnknownFormError("no part is a message/delivery-status")
    header_id = _original_id(mail, parts)
    blocks: Any = status.get_payload()
    reports = [_recipient(block, header_id) for block in blocks[1:] if _has_failed(block)]
    return reports[:MAX_REPORTS]


def _original_id(mail: Any, parts: list[Any]) -> str | None:
    """The Message-ID of the mail that came back, or what our return address says."""
    for part in parts:
        kind = part.get_content_type()
        if kind == "message/rfc822" and part.is_multipart():
            found = header_id_of(part.get_payload()[0]["Message-ID"])
        elif kind == "text/rfc822-headers":
            found = header_id_of(part.get_content(), anywhere=True)
        else:
            continue
        if found:
            return found
    for name in ("To", "Delivered-To", "X-Original-To"):
        if found := header_id_of(str(mail[name] or "").partition("+")[2]):
            return found
    return None


def _has_failed(block: Any) -> bool:
    return str(block["Action"] or "").strip().lower() == "failed"


def _recipient(block: Any, header_id: str | None) -> Report:
    status = str(block["Status"] or "")
    words = _after_type(block["Diagnostic-Code"]) or f"status {status}"
    recipient = _after_type(block["Original-Recipient"]) or _after_type(block["Final-Recipient"])
    return Report(
        header_id=header_id,
        address=recipient or None,
        is_hard=is_hard_status(status),
        gave_up=True,
        words=_tidy(words),
    )


def _after_type(value: Any) -> str:
    """`rfc822; ada@example.org` and `smtp; 550 no` without what is before the semicolon."""
    return " ".join(str(value or "").partition(";")[2].split())


def is_hard_status(status: str) -> bool:
    """Whether an enhanced status code (RFC 3463) is about the address and not about this mail.

    A full mailbox, a mail that is too long, a rule of theirs: the next mail may arrive.
    """
    found = STATUS.search(status)
    if found is None or found[1] != "5":
        return False
    subject, detail = found[2], found[3]
    if subject in {POLICY, SYSTEM, CONTENT}:
        return False
    return not (subject == MAILBOX and detail in {FULL, TOO_LONG})


def header_id_of(text: Any, *, anywhere: bool = False) -> str | None:
    """Our part of a Message-ID, wherever it stands."""
    words = str(text or "")
    if anywhere:
        line = re.search(r"^message-id:\s*(\S+)", words, re.IGNORECASE | re.MULTILINE)
        words = line[1] if line else ""
    found = HEADER_ID.match(words.strip().lstrip('"<'))
    return found[0] if found else None


def from_json(content: bytes) -> list[Report]:
    """The failures in a report by HTTP, whichever of the known forms it has."""
    try:
        said = json.loads(content)
    except (ValueError, RecursionError):
        raise UnknownFormError("this is no JSON") from None
    for knows, read in FORMS:
        if knows(said):
            try:
                return list(read(said))[:MAX_REPORTS]
            except (AttributeError, KeyError, TypeError):
                raise UnknownFormError("something is missing in it") from None
    raise UnknownFormError("the form is not known")


def _ours(said: Mapping[str, Any]) -> Iterator[Report]:
    for each in said["bounces"]:
        is_hard = each["permanent"]
        if not isinstance(is_hard, bool):
            raise TypeError
        yield _report(
            message_id=each.get("message_id"),
            address=each.get("address"),
            is_hard=is_hard,
            gave_up=is_hard or bool(each.get("gave_up", True)),
            words=each.get("words", ""),
            event=each.get("id", ""),
        )


def _mailgun(said: Mapping[str, Any]) -> Iterator[Report]:
    event = said["event-data"]
    if event["event"] != "failed":
        return
    status = event.get("delivery-status") or {}
    is_final = event.get("severity") == "permanent"
    words = status.get("message") or status.get("description") or event.get("reason") or ""
    code = status.get("enhanced-code") or status.get("code") or ""
    yield _report(
        message_id=event["message"]["headers"].get("message-id"),
        address=event.get("recipient"),
        is_hard=is_final and _is_hard(f"{code} {words}"),
        gave_up=is_final,
        words=words,
        event=event.get("id", ""),
    )


def _sendgrid(said: list[Mapping[str, Any]]) -> Iterator[Report]:
    for event in said:
        if event["event"] not in {"bounce", "dropped"}:
            continue
        words = str(event.get("reason", ""))
        if event["event"] == "dropped":
            is_hard = words in DROPPED_FOR_THE_ADDRESS
        else:
            status = f"{event.get('status') or ''} {words}"
            is_hard = event.get("type") != "blocked" and _is_hard(status)
        yield _report(
            message_id=event.get("smtp-id"),
            address=event.get("email"),
            is_hard=is_hard,
            gave_up=True,
            words=words,
            event=event.get("sg_event_id", ""),
        )


def _postmark(said: Mapping[str, Any]) -> Iterator[Report]:
    """Their bounces also hold answers of machines, and delays that are tried again."""
    if said["RecordType"] != "Bounce" or said["Type"] in NO_FAILURES:
        return
    yield _report(
        message_id=None,
        address=said["Email"],
        is_hard=said["Type"] in {"HardBounce", "BadEmailAddress"},
        gave_up=said["Type"] not in {"Transient", "DnsError"},
        words=said.get("Details") or said.get("Description") or "",
        event=said.get("ID", ""),
    )


def _ses(said: Mapping[str, Any]) -> Iterator[Report]:
    if said.get("Type") == "Notification":
        said = json.loads(said["Message"])
    if (said.get("notificationType") or said.get("eventType")) != "Bounce":
        return
    bounce = said["bounce"]
    headers = said.get("mail", {}).get("commonHeaders") or {}
    for each in bounce["bouncedRecipients"]:
        yield _report(
            message_id=headers.get("messageId"),
            address=each["emailAddress"],
            is_hard=bounce["bounceType"] == "Permanent",
            gave_up=True,
            words=_after_type(each.get("diagnosticCode")) or bounce.get("bounceSubType", ""),
            event=f"{bounce.get('feedbackId', '')}:{each['emailAddress']}",
        )


def _is_hard(words: str) -> bool:
    """A refusal that gives no reason in the enhanced form counts as one of the address."""
    return is_hard_status(words) if STATUS.search(words) else True


def _report(
    *, message_id: Any, address: Any, is_hard: bool, gave_up: bool, words: Any, event: Any
) -> Report:
    found = Report(
        header_id=header_id_of(message_id),
        address=str(address).strip() if address else None,
        is_hard=is_hard,
        gave_up=gave_up,
        words=_tidy(str(words)),
        event=str(event),
    )
    if found.header_id is None and found.address is None:
        raise KeyError("address")
    return found


def _tidy(words: str) -> str:
    return " ".join(words.split())[:MAX_WORDS]


def _has(*names: str) -> Callable[[Any], bool]:
    return lambda said: isinstance(said, dict) and all(name in said for name in names)


def _is_list_of_events(said: Any) -> bool:
    return isinstance(said, list) and all(isinstance(each, dict) for each in said) and bool(said)


FORMS: tuple[tuple[Callable[[Any], bool], Callable[[Any], Iterator[Report]]], ...] = (
    (_has("bounces"), _ours),
    (_has("event-data"), _mailgun),
    (_has("RecordType"), _postmark),
    (_has("Type", "Message", "TopicArn"), _ses),
    (_has("notificationType"), _ses),
    (_has("eventType"), _ses),
    (_is_list_of_events, _sendgrid),
)
