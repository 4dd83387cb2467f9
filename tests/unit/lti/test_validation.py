"""Rules V1, V2 and V4 to V9 of the id_token, as pure decisions."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from plugin.core.secrets import hash_of
from plugin.lti.tool.encoding import text_of
from plugin.lti.tool.errors import KeyUnknownError, NonceError, TokenRefusedError, TokenTimeError
from plugin.lti.tool.validation import (
    MAX_TOKEN,
    check_audience,
    check_nonce,
    check_times,
    key_id,
    split_token,
)

NOW = datetime(2027, 3, 10, 9, 30, tzinfo=UTC)
AT = int(NOW.timestamp())
ISSUER = "https://lms.example.test"
NOT_A_NUMBER = b'{"exp": NaN}'
HUGE_NUMBER = b'{"exp": ' + b"9" * 6000 + b"}"


def part(value: object) -> str:
    return text_of(json.dumps(value).encode())


@pytest.mark.parametrize(
    "token",
    [
        "",
        "a.b",
        "a.b.c.d",
        "....",
        f"{part([])}.{part({})}.x",
        f"{part({})}.{part('text')}.x",
        f"{part({})}.{text_of(b'{nope')}.x",
        f"{part({})}.{text_of(b'[' * 40000)}.x",
        f"{part({})}.{text_of(bytes([0xFF, 0xFE]))}.x",
        f"{part({})}.{text_of(NOT_A_NUMBER)}.x",
        f"{part({})}.{part({})}é.x",
        "x" * (MAX_TOKEN + 1),
        f"{part({})}.{text_of(HUGE_NUMBER)}.x",
    ],
)
def test_v1_what_is_not_a_compact_json_token_is_refused(token: str) -> None:
    with pytest.raises(TokenRefusedError):
        split_token(token)


@pytest.mark.parametrize(
    "alg",
    [None, "none", "None", "HS256", "RS384", "RS512", "ES256", "PS256", 3, ["RS256"], "rs256"],
)
def test_v2_only_rs256_is_accepted(alg: object) -> None:
    with pytest.raises(TokenRefusedError):
        key_id({"alg": alg, "kid": "k"})


@pytest.mark.parametrize("name", ["jku", "x5u", "jwk", "crit", "b64"])
def test_v1_a_token_may_not_bring_its_own_key_or_critical_extensions(name: str) -> None:
    with pytest.raises(TokenRefusedError):
        key_id({"alg": "RS256", "kid": "k", name: []})


def test_v1_the_key_is_chosen_by_kid() -> None:
    assert key_id({"alg": "RS256", "kid": "k"}) == "k"
    with pytest.raises(TokenRefusedError):
        key_id({"alg": "RS256"})
    for kid in ("", 3, ["k"], "x" * 256):
        with pytest.raises(KeyUnknownError):
            key_id({"alg": "RS256", "kid": kid})


@pytest.mark.parametrize("iss", [None, "", ISSUER + "/", ISSUER.upper(), [ISSUER], "https://evil"])
def test_v4_the_issuer_is_exactly_the_registered_one(iss: object) -> None:
    with pytest.raises(TokenRefusedError):
        check_audience({"iss": iss, "aud": "c"}, issuer=ISSUER, client_id="c")


@pytest.mark.parametrize(
    "aud", [None, "", "other", [], ["other"], ["c", "other"], ["other", "c"], [["c"]], {"c": 1}, 7]
)
def test_v5_the_audience_is_us_and_nobody_else(aud: object) -> None:
    with pytest.raises(TokenRefusedError):
        check_audience({"iss": ISSUER, "aud": aud, "azp": "c"}, issuer=ISSUER, client_id="c")


@pytest.mark.parametrize("said", [{"aud": "c"}, {"aud": ["c"]}, {"aud": ["c"], "azp": "c"}])
def test_v5_a_text_or_a_list_with_us_is_accepted(said: dict[str, Any]) -> None:
    check_audience({"iss": ISSUER, **said}, issuer=ISSUER, client_id="c")


@pytest.mark.parametrize(
    "said",
    [
        {"aud": ["c", "c"]},
        {"aud": "c", "azp": "d"},
        {"aud": "c", "azp": None},
        {"aud": "c", "azp": ["c"]},
    ],
)
def test_v6_the_authorized_party_is_us_and_is_named_beside_several_audiences(
    said: dict[str, Any],
) -> None:
    with pytest.raises(TokenRefusedError):
        check_audience({"iss": ISSUER, **said}, issuer=ISSUER, client_id="c")


@pytest.mark.parametrize("seconds", [-60, -600, -(10**9)])
def test_v7_an_expired_token_is_refused(seconds: int) -> None:
    with pytest.raises(TokenTimeError):
        check_times({"exp": AT + seconds, "iat": AT - 5}, now=NOW)


@pytest.mark.parametrize("seconds", [-59, 0, 60, 3600])
def test_v7_a_minute_of_clock_error_is_forgiven(seconds: int) -> None:
    check_times({"exp": AT + seconds, "iat": AT + 60}, now=NOW)


@pytest.mark.parametrize("seconds", [61, 3600, -661, -86400])
def test_v8_a_token_from_the_future_or_of_long_ago_is_refused(seconds: int) -> None:
    with pytest.raises(TokenTimeError):
        check_times({"exp": AT + 10**6, "iat": AT + seconds}, now=NOW)


def test_v8_a_slow_person_at_the_login_page_is_still_in_time() -> None:
    check_times({"exp": AT + 60, "iat": AT - 599}, now=NOW)


@pytest.mark.parametrize("name", ["exp", "iat"])
@pytest.mark.parametrize("value", [None, "1", True, [], {}, float("inf"), float("nan"), 10**400])
def test_v8_both_moments_are_numbers_and_present(name: str, value: object) -> None:
    times: dict[str, object] = {"exp": AT + 60, "iat": AT}
    with pytest.raises(TokenTimeError):
        check_times(times | {name: value}, now=NOW)
    del times[name]
    with pytest.raises(TokenTimeError):
        check_times(times, now=NOW)


def test_v8_a_token_not_valid_yet_is_refused() -> None:
    times = {"exp": AT + 900, "iat": AT}
    check_times(times | {"nbf": AT + 60}, now=NOW)
    with pytest.raises(TokenTimeError):
        check_times(times | {"nbf": AT + 61}, now=NOW + timedelta(seconds=-1))


@pytest.mark.parametrize("nonce", [None, "", "other", 5, ["n"], "ñ", {"n": 1}])
def test_v9_the_nonce_is_the_one_of_this_login(nonce: object) -> None:
    with pytest.raises(NonceError):
        check_nonce({"nonce": nonce}, nonce_hash=hash_of("n"))
    check_nonce({"nonce": "n"}, nonce_hash=hash_of("n"))
