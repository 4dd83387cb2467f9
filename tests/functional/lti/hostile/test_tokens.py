"""Tokens nobody should accept: keys, algorithms, shapes, audiences and times."""

import base64
import codecs
import hashlib
import hmac
import json
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from flask.testing import FlaskClient
from structlog.testing import capture_logs

from plugin.core import clock
from plugin.core.db import db
from plugin.lti.tool.claims import LTI
from plugin.lti.tool.models import Login
from tests.functional.lti.hostile.sending import posted, with_claims
from tests.functional.lti.hostile.values import (
    RAW,
    nobody_is_here,
    refusal,
)
from tests.functional.lti.platform import ABSENT, Lms, jwk_of, private_key, segment

pytestmark = pytest.mark.refused_first


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *(
            ("exp", value)
            for value in (True, "1e400", -1, 0, 1.5, "2030-01-01", [1], 10**30, 1e300)
        ),
        *(("iat", value) for value in (True, False, -1, 0, 10**30, 1e300, "now", {"a": 1})),
        *(("nbf", value) for value in (True, "x", 10**30, None, [])),
    ],
)
def test_v8_times_nobody_can_mean(client: FlaskClient, lms: Lms, name: str, value: Any) -> None:
    answer = with_claims(client, lms, {name: value})
    if name == "exp" and value in (10**30, 1e300) and value is not True:
        assert answer.status_code == 303
        return
    assert "lti.token_time" in refusal(answer)
    nobody_is_here()


def test_v7_v8_times_may_have_fractions(client: FlaskClient, lms: Lms) -> None:
    now = clock.now().timestamp()
    assert with_claims(client, lms, {"iat": now - 0.5, "exp": now + 59.25}).status_code == 303


HEADERS: list[tuple[str, dict[str, Any]]] = [
    *(("alg", {"alg": alg}) for alg in (
        "none", "None", "NONE", "nOnE", "", None, 1, ["RS256"], "rs256", "RS256 ", "RS384", "RS512",
        "PS256", "ES256", "ES384", "EdDSA", "HS256", "HS512", "RSA-OAEP", "dir",
    )),
    *((name, {name: value}) for name, value in (
        ("jku", "https://evil.example/keys"), ("x5u", "https://evil.example/cert"),
        ("jwk", {"kty": "RSA"}), ("crit", ["exp"]), ("crit", []), ("crit", "exp"), ("crit", None),
        ("b64", False), ("b64", "x"), ("zip", "DEF"), ("x5c", ["MIIB"]), ("enc", "A128GCM"),

    )),
    *(("kid", {"kid": kid}) for kid in (
        ABSENT, None, "", 1, True, [], ["key-1"], {"a": 1}, "../../../dev/null", "/etc/passwd",
        "key-1 ",
        "KEY-1", "key-1\x00", "' UNION SELECT 'x", "a" * 40_000, "\ud800", "\u202e", "|id",
        "http://x/",
    )),
]  # fmt: skip


@pytest.mark.parametrize("header", [each[1] for each in HEADERS], ids=[each[0] for each in HEADERS])
def test_v1_v2_headers_that_would_choose_another_key_or_rule_are_refused(
    client: FlaskClient, lms: Lms, header: dict[str, Any]
) -> None:
    answer = posted(client, lms, lambda nonce: lms.sign(lms.claims(nonce), **header))
    refusal(answer, statuses=(401,))
    nobody_is_here()


def test_v1_other_headers_are_ignored(client: FlaskClient, lms: Lms) -> None:
    for header in (
        {"typ": "jwt"},
        {"typ": ABSENT},
        {"cty": "JWT"},
        {"x5t": "abc"},
        {"future": [1]},
    ):
        answer = posted(client, lms, lambda nonce, said=header: lms.sign(lms.claims(nonce), **said))
        assert answer.status_code == 303, header


def hmac_of(text: str, secret: bytes) -> str:
    return segment(hmac.new(secret, text.encode(), hashlib.sha256).digest())


def test_v1_nothing_public_is_a_secret_to_sign_with(client: FlaskClient, lms: Lms) -> None:
    public = private_key().public_key()
    secrets = [
        public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo),
        public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).strip(),
        public.public_bytes(Encoding.PEM, PublicFormat.PKCS1),
        public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo),
        json.dumps(jwk_of(private_key(), lms.kid)).encode(),
        lms.kid.encode(),
        b"",
    ]
    for secret in secrets:
        for alg in ("HS256", "RS256"):
            asked = lms.begin(client)
            text = f"{segment({'alg': alg, 'kid': lms.kid})}.{segment(lms.claims(asked['nonce']))}"
            refusal(lms.post(client, f"{text}.{hmac_of(text, secret)}", asked["state"]))
    nobody_is_here()


def test_v1_an_elliptic_curve_key_under_the_same_kid_is_no_key(
    client: FlaskClient, lms: Lms
) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    said = json.loads(jwt.algorithms.ECAlgorithm.to_jwk(key.public_key()))
    lms.key_set.keys = [{**said, "kid": lms.kid}]
    asked = lms.begin(client)
    token = jwt.encode(lms.claims(asked["nonce"]), key, "ES256", headers={"kid": lms.kid})
    refusal(lms.post(client, token, asked["state"]), statuses=(401,))
    nobody_is_here()


def shapes(lms: Lms, nonce: str) -> dict[str, str]:
    """A good token in shapes that are not the compact one."""
    good = lms.sign(lms.claims(nonce))
    head, body, tail = good.split(".")
    padded = base64.urlsafe_b64encode(json.dumps(lms.claims(nonce)).encode()).decode()
    return {
        "nothing": ".", "dots": "..", "many dots": "." * 5000, "text": "hello",
        "two parts": f"{head}.{body}",
        "no signature": f"{head}.{body}.", "detached": f"{head}..{tail}", "four parts": f"{good}.x",
        "JWE": f"{head}.x.x.x.x", "two signatures": f"{good}.{tail}", "twice": f"{good},{good}",
        "JSON": json.dumps({"payload": body, "protected": head, "signature": tail}),
        "flattened": json.dumps({"payload": body, "signatures": [{"protected": head,
        "signature": tail}]}),
        "quoted": f'"{good}"', "bearer": f"Bearer {good}", "space before": f" {good}",
        "line break": f"{head}.\n{body}.{tail}", "tab": f"{head}.{body[:9]}\t{body[9:]}.{tail}",
        "NUL": good + "\x00", "padding": f"{head}.{body}=.{tail}",
        "padded body": f"{head}.{padded}==.{tail}",
        "percent": good.replace(".", "%2E"), "other alphabet": f"{head}.{body}.{tail[:-4]}+/+/",
        "umlaut": f"{head}.ü{body}.{tail}", "another signature": f"{head}.{body}.{'A' * len(tail)}",
        "short signature": f"{head}.{body}.{tail[:-8]}",
        "long signature": f"{head}.{body}.{tail}{tail}",
        "array header": f"{segment([])}.{body}.{tail}",
        "null body": f"{head}.{segment(None)}.{tail}",
        "latin-1 body": f"{head}.{segment(b'{}' + bytes([255]))}.{tail}",
        "UTF-16": f"{head}.{segment(json.dumps(lms.claims(nonce)).encode('utf-16'))}.{tail}",
        "BOM": f"{head}.{segment(codecs.BOM_UTF8 + json.dumps(lms.claims(nonce)).encode())}.{tail}",
        "64 KB": "a" * 65_536, "200 KB": "a." * 100_000,
    }  # fmt: skip


def test_v1_only_the_compact_form_with_one_signature_is_a_token(
    client: FlaskClient, lms: Lms
) -> None:
    asked = lms.begin(client)
    for label, token in shapes(lms, asked["nonce"]).items():
        answer = lms.post(client, token, asked["state"])
        assert answer.status_code in {400, 401}, (label, answer.text)
        refusal(answer)
    nobody_is_here()
    assert db.session.query(Login).one().used_at is None


def test_v1_raw_json_in_the_header_breaks_nothing(client: FlaskClient, lms: Lms) -> None:
    for value in RAW.values():
        text = f'{{"alg": "RS256", "kid": "{lms.kid}", "x": {value}}}'
        answer = posted(
            client, lms, lambda nonce, said=text: lms.sign_raw(said.encode(), lms.claims(nonce))
        )
        assert answer.status_code in {303, 401}, answer.text


def test_the_last_of_two_equal_names_is_the_one_that_counts(client: FlaskClient, lms: Lms) -> None:
    """One reader, one meaning: what is verified is what is used (RFC 7515, 4)."""

    def doubled(header: str) -> Any:
        return posted(client, lms, lambda nonce: lms.sign_raw(header.encode(), lms.claims(nonce)))

    assert doubled(f'{{"alg":"none","alg":"RS256","kid":"{lms.kid}"}}').status_code in {303, 401}
    refusal(doubled(f'{{"alg":"RS256","alg":"none","kid":"{lms.kid}"}}'))
    refusal(doubled(f'{{"alg":"RS256","kid":"{lms.kid}","kid":"other"}}'))


@pytest.mark.parametrize(
    ("aud", "azp"),
    [
        ([], ABSENT), ([[]], ABSENT), ([["client-1"]], ABSENT), ("", ABSENT), (None, ABSENT),
        (["client-1", "client-2"], "client-1"), (["client-2", "client-1"], "client-1"),
        (["client-1", "client-1"], ABSENT), (["client-1", None], "client-1"), ({"client-1": 1},
        ABSENT),
        ("client-1 ", ABSENT), ("CLIENT-1", ABSENT), ("client-1,client-2", ABSENT), (["client-1"],
        "client-2"),
        ("client-1", ""), ("client-1", None), ("client-1", ["client-1"]), ("client-1", 1),
        ("client-1", {}),
        (["client-1"] * 5000 + ["x"], "client-1"), ("client-1\x00", ABSENT), (True, ABSENT), (1,
        ABSENT),
    ],
)  # fmt: skip
def test_v5_v6_audiences_that_are_not_exactly_ours(
    client: FlaskClient, lms: Lms, aud: Any, azp: Any
) -> None:
    refusal(with_claims(client, lms, {"aud": aud, "azp": azp}), statuses=(401,))
    nobody_is_here()


def test_v13_no_refusal_leaves_persons_or_secrets_in_the_log(client: FlaskClient, lms: Lms) -> None:
    known = {"name": "Zaphod Secret", "email": "zaphod@secret.example", "sub": "secret-subject"}
    with capture_logs() as lines:
        for changes in (
            {"exp": 1}, {"nonce": "secret-nonce"}, {"aud": "secret-aud"},
            {"iss": "https://secret.example"},
            {LTI + "deployment_id": "secret-deployment"}, {LTI + "roles": "secret"},
            {LTI + "version": "secret"},
            {LTI + "target_link_uri": "https://secret.example"},
            {LTI + "resource_link": {"id": ["secret"]}},
            {LTI + "context": {"id": 7, "title": "secret"}},
        ):  # fmt: skip
            refusal(with_claims(client, lms, {**known, **changes}))
        for header in ({"kid": "secret-kid"}, {"alg": "secret"}, {"jku": "https://secret.example"}):
            posted(client, lms, lambda nonce, said=header: lms.sign(lms.claims(nonce), **said))
        client.post(
            f"/lti/{lms.uid}/launch", data={"id_token": "secret.secret.secret", "state": "secret"}
        )
    said = repr(lines).lower()
    assert "secret" not in said
    assert "zaphod" not in said


@pytest.mark.parametrize("kid", ["a\x00b", "\ud800", "a\nb", "k" * 256, ""])
def test_v1_b2_a_kid_nobody_can_keep_is_unknown_even_if_it_is_published(
    client: FlaskClient, lms: Lms, kid: str
) -> None:
    lms.kid, lms.key_set.keys = kid, [jwk_of(private_key(), kid)]
    assert "lti.key_unknown" in refusal(lms.launch(client), statuses=(401,))
