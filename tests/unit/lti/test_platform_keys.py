"""Rule V3: the LMS's keys are remembered, fetched again when needed, and never too often."""

import json
import threading
import time
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from plugin.core.http import OutgoingError, Reply
from plugin.lti.tool.errors import KeysUnavailableError, KeyUnknownError
from plugin.lti.tool.platform_keys import PlatformKeys, life_of, usable_keys
from tests.functional.lti.platform import KeySet, jwk_of, private_key

NOW = datetime(2027, 3, 10, 9, 30, tzinfo=UTC)
URL = "https://lms.example.test/certs.php"
JWK = jwk_of(private_key(), "k1")


def never(url: str) -> Reply:
    raise AssertionError("asked twice")


def reply(*keys: object, **headers: str) -> Reply:
    return Reply(200, headers, json.dumps({"keys": keys}).encode())


def test_v3_a_key_set_is_asked_for_once_and_the_key_object_is_kept() -> None:
    source, keys = KeySet([JWK]), PlatformKeys()
    first = keys.key(URL, "k1", fetch=source.fetch, now=NOW)
    assert keys.key(URL, "k1", fetch=source.fetch, now=NOW + timedelta(minutes=50)) is first
    assert source.asked == 1


def test_v3_an_unknown_kid_asks_again_at_most_every_half_minute() -> None:
    source, keys = KeySet([JWK]), PlatformKeys()
    keys.key(URL, "k1", fetch=source.fetch, now=NOW)
    for seconds in (1, 10, 29):
        with pytest.raises(KeyUnknownError):
            keys.key(URL, "k2", fetch=source.fetch, now=NOW + timedelta(seconds=seconds))
    assert source.asked == 1
    source.keys.append(jwk_of(private_key("second"), "k2"))
    keys.key(URL, "k2", fetch=source.fetch, now=NOW + timedelta(seconds=30))
    assert source.asked == 2


def test_v3_cache_control_of_the_lms_is_honoured() -> None:
    source, keys = KeySet([JWK], headers={"cache-control": "public, max-age=120"}), PlatformKeys()
    keys.key(URL, "k1", fetch=source.fetch, now=NOW)
    keys.key(URL, "k1", fetch=source.fetch, now=NOW + timedelta(seconds=119))
    assert source.asked == 1
    keys.key(URL, "k1", fetch=source.fetch, now=NOW + timedelta(seconds=120))
    assert source.asked == 2


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("no-store", 30),
        ("private, no-cache, max-age=600", 30),
        ("max-age=0", 30),
        ("max-age=600", 600),
        ("MAX-AGE=600, must-revalidate", 600),
        ("max-age=999999999", 86400),
        ("s-maxage=9", 3600),
        ("nonsense", 3600),
    ],
)
def test_v3_freshness_stays_within_reason(text: str, seconds: int) -> None:
    assert life_of({"Cache-Control": text}).total_seconds() == seconds


def test_v3_a_withdrawn_key_is_refused_after_the_next_fetch() -> None:
    source, keys = KeySet([JWK]), PlatformKeys()
    keys.key(URL, "k1", fetch=source.fetch, now=NOW)
    source.keys = [jwk_of(private_key("second"), "k2")]
    with pytest.raises(KeyUnknownError):
        keys.key(URL, "k1", fetch=source.fetch, now=NOW + timedelta(hours=2))


def test_v3_an_outdated_set_serves_for_a_day_while_the_lms_is_silent() -> None:
    source, keys = KeySet([JWK]), PlatformKeys()
    keys.key(URL, "k1", fetch=source.fetch, now=NOW)
    source.fails_with = OutgoingError("ConnectTimeout")
    keys.key(URL, "k1", fetch=source.fetch, now=NOW + timedelta(hours=20))
    keys.key(URL, "k1", fetch=source.fetch, now=NOW + timedelta(hours=20, seconds=29))
    assert source.asked == 2
    with pytest.raises(KeysUnavailableError):
        keys.key(URL, "k1", fetch=source.fetch, now=NOW + timedelta(hours=26))


def test_v3_without_any_key_a_failing_lms_is_asked_every_five_seconds() -> None:
    source, keys = KeySet([JWK], fails_with=OutgoingError("ReadTimeout")), PlatformKeys()
    for seconds in (0, 1, 4):
        with pytest.raises(KeysUnavailableError):
            keys.key(URL, "k1", fetch=source.fetch, now=NOW + timedelta(seconds=seconds))
    assert source.asked == 1
    source.fails_with = None
    keys.key(URL, "k1", fetch=source.fetch, now=NOW + timedelta(seconds=5))


def test_v3_threads_that_miss_the_same_set_wait_for_one_fetch() -> None:
    source, keys, found = KeySet([JWK]), PlatformKeys(), []

    def slow(url: str) -> Reply:
        answer = source.fetch(url)
        time.sleep(0.05)
        return answer

    def ask() -> None:
        found.append(keys.key(URL, "k1", fetch=slow, now=NOW))

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (len(found), source.asked) == (8, 1)


def test_v3_who_came_while_a_silent_lms_was_waited_for_does_not_wait_once_more(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("plugin.lti.tool.platform_keys.PAUSE_AFTER_FAILURE", timedelta(seconds=0))
    keys, asked, began = PlatformKeys(), list[str](), time.monotonic()

    def silent(url: str) -> Reply:
        asked.append(url)
        time.sleep(1)
        raise OutgoingError("no answer in time")

    def come(after: float) -> None:
        time.sleep(after)
        with pytest.raises(KeysUnavailableError):
            keys.key(URL, "a", fetch=silent, now=NOW + timedelta(seconds=after))

    callers = [threading.Thread(target=come, args=(number / 5,)) for number in range(5)]
    for each in callers:
        each.start()
    for each in callers:
        each.join()
    assert len(asked) == 1
    assert time.monotonic() - began < 2


def test_v3_nobody_waits_while_an_outdated_key_is_being_renewed() -> None:
    source, keys = KeySet([JWK]), PlatformKeys()
    keys.key(URL, "k1", fetch=source.fetch, now=NOW)
    later = NOW + timedelta(hours=2)
    inside, leave = threading.Event(), threading.Event()

    def stuck(url: str) -> Reply:
        inside.set()
        leave.wait(2)
        return source.fetch(url)

    thread = threading.Thread(target=lambda: keys.key(URL, "k1", fetch=stuck, now=later))
    thread.start()
    inside.wait(5)
    keys.key(URL, "k1", fetch=never, now=later)
    assert thread.is_alive()
    assert not leave.is_set()
    leave.set()
    thread.join()


@pytest.mark.parametrize(
    "changes",
    [
        {"kty": "EC"},
        {"use": "enc"},
        {"alg": "RS512"},
        {"key_ops": ["encrypt"]},
        {"kid": None},
        {"kid": 3},
        {"n": None},
        {"n": "AQAB"},
        {"n": "***"},
        {"n": "é"},
        {"e": "AA"},
        {"e": None},
        {"n": "_" * 20000},
    ],
)
def test_v3_unusable_keys_are_passed_over(changes: dict[str, Any]) -> None:
    good = jwk_of(private_key("second"), "good")
    assert set(usable_keys(reply({**JWK, **changes}, None, "x", [], good))) == {"good"}


@pytest.mark.parametrize("more", [{}, {"alg": "RS256", "use": "sig"}, {"key_ops": ["verify"]}])
def test_v3_a_key_need_not_say_its_algorithm(more: dict[str, Any]) -> None:
    assert set(usable_keys(reply({**JWK, **more}))) == {"k1"}


@pytest.mark.parametrize("body", [b"", b"[]", b"{}", b'{"keys": {}}', b"<html>", b"[" * 90000])
def test_v3_what_is_not_a_key_set_is_refused(body: bytes) -> None:
    with pytest.raises(KeysUnavailableError):
        usable_keys(Reply(200, {}, body))
    with pytest.raises(KeysUnavailableError):
        usable_keys(Reply(500, {}, reply(JWK).body))
