import pytest

from plugin.lti.tool.addresses import (
    is_ours,
    is_secure_address,
    origin_of,
    origins_of,
    way_back,
    with_query,
)

TOOL = "https://tool.example.test"


@pytest.mark.parametrize(
    ("address", "origin"),
    [
        ("https://LMS.example.test/a?b#c", "https://lms.example.test"),
        ("https://lms.example.test:443/", "https://lms.example.test"),
        ("http://127.0.0.1:8701/x", "http://127.0.0.1:8701"),
        ("http://[::1]:80/x", "http://[::1]"),
        ("lms.example.test", None),
        ("urn:lms", None),
        ("https://a.test;script-src *", None),
        ("https://a.test *", None),
        ("https://*", None),
        ("https://a.test\\@b.test", None),
        ("https://user@a.test", None),
        ("https://a.test:99999", None),
        ("https://a\n.test", None),
        ("https://[", None),
        ("https://例え.テスト/r", "https://xn--r8jz45g.xn--zckzah"),
        ("https://Bücher.example:8443/", "https://xn--bcher-kva.example:8443"),
        (f"https://{'é' * 70}.test", None),
    ],
)
def test_an_origin_is_scheme_host_and_port_and_cannot_add_to_a_policy(
    address: str, origin: str | None
) -> None:
    assert origin_of(address) == origin


def test_origins_are_distinct_and_in_order() -> None:
    assert origins_of(("https://a.test/x", "urn:b", "https://a.test/y", 3, "https://c.test")) == (
        "https://a.test",
        "https://c.test",
    )


@pytest.mark.parametrize(
    "target",
    [
        "https://tool.example.test.evil.test/",
        "https://evil.test/?https://tool.example.test",
        "http://tool.example.test/",
        "https://tool.example.test:8443/",
        "https://tool.example.test@evil.test/",
        "//tool.example.test/",
        "/lti/x/launch",
        "",
        "https://tool.example.test\\.evil.test",
    ],
)
def test_l5_only_the_same_origin_is_ours(target: str) -> None:
    assert not is_ours(target, TOOL)
    assert is_ours("https://tool.example.test/anything?x=1", TOOL)


@pytest.mark.parametrize(
    ("address", "secure"),
    [
        ("https://lms.example.test/a?b=c", True),
        ("http://127.0.0.1:8701/auth", True),
        ("http://localhost/auth", True),
        ("http://lms.example.test/auth", False),
        ("ftp://lms.example.test", False),
        ("https://lms.example.test/#x", False),
    ],
)
def test_v12_an_lms_is_spoken_to_by_tls_or_on_this_machine(address: str, secure: bool) -> None:
    assert is_secure_address(address) is secure


def test_l6_a_query_of_the_registered_address_is_kept() -> None:
    assert with_query("https://a.test/auth?x=%2F&y", "z=1") == "https://a.test/auth?x=%2F&y&z=1"


def test_c9_the_way_back_tells_the_lms_what_went_wrong() -> None:
    back = way_back(
        "https://lms.test/r?sesskey=1&lti_errorlog=own",
        message="No & no",
        code="lti.x",
        reference="r1",
    )
    assert back == "https://lms.test/r?sesskey=1&lti_errorlog=own&lti_errormsg=No+%26+no"
    assert way_back(None, message="m", code="c", reference="r") is None
