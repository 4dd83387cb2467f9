"""A missing or weak setting stops the start with its name."""

from dataclasses import fields, replace
from pathlib import Path

import pytest
from flask import Flask

from plugin.core.errors import SettingError
from plugin.core.settings import Environment, Settings
from plugin.web import limits

GOOD = {
    "PLUGIN_TOOL_URL": "https://training.example.org/",
    "PLUGIN_CONTENT_URL": "https://content.example.net",
    "PLUGIN_DATABASE_URL": "postgresql://db/training",
    "PLUGIN_SECRET_KEY": "s" * 32,
    "PLUGIN_ENCRYPTION_KEY": "e" * 32,
    "PLUGIN_STORAGE_DIR": "files",
    "PLUGIN_MAIL_HOST": "smtp.example.org",
    "PLUGIN_MAIL_SENDER": "training@example.org",
}


def test_good_settings_start_in_production() -> None:
    settings = Settings.from_env(GOOD)
    assert settings.env is Environment.PRODUCTION
    assert settings.tool_url == "https://training.example.org"
    assert settings.sqlalchemy_url == "postgresql+psycopg://db/training"


@pytest.mark.parametrize("name", sorted(GOOD))
def test_each_value_production_needs_is_named_when_it_is_missing(name: str) -> None:
    with pytest.raises(SettingError, match=name):
        Settings.from_env({key: value for key, value in GOOD.items() if key != name})


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("PLUGIN_ENV", "staging"),
        ("PLUGIN_TOOL_URL", "http://training.example.org"),
        ("PLUGIN_TOOL_URL", "https://training.example.org/path"),
        ("PLUGIN_TOOL_URL", "training.example.org"),
        ("PLUGIN_TOOL_URL", "http://127.example.org"),
        ("PLUGIN_TOOL_URL", "http://127.0.0.1.example.org"),
        ("PLUGIN_CONTENT_URL", "https://training.example.org"),
        ("PLUGIN_CONTENT_URL", "https://training.example.org:8443"),
        ("PLUGIN_CONTENT_URL", "https://Content.example.net"),
        ("PLUGIN_CONTENT_URL", "https://content.example.net:443"),
        ("PLUGIN_CONTENT_URL", "https://user@content.example.net"),
        ("PLUGIN_CONTENT_URL", "https://content.example.net:port"),
        ("PLUGIN_CONTENT_URL", "https://schulung.beispiel-über.example"),
        ("PLUGIN_SECRET_KEY", "short"),
        ("PLUGIN_ENCRYPTION_KEY", "s" * 32),
        ("PLUGIN_DATABASE_URL", "sqlite://"),
        ("PLUGIN_DATABASE_URL", "training"),
        ("PLUGIN_REDIS_URL", "redis"),
        ("PLUGIN_LOG_LEVEL", "LOUD"),
        ("PLUGIN_DEFAULT_LOCALE", "xx_nowhere"),
        ("PLUGIN_MAIL_TLS", "ssl"),
        ("PLUGIN_MAIL_TLS", "none"),
        ("PLUGIN_MAIL_PORT", "smtp"),
        ("PLUGIN_TRUST_PACKAGES", "maybe"),
        ("PLUGIN_DEMO_CLOCK", "clock.json"),
    ],
)
def test_a_weak_or_unreadable_value_is_named(name: str, value: str) -> None:
    with pytest.raises(SettingError, match=name):
        Settings.from_env({**GOOD, name: value})


def test_a_rate_nobody_can_count_by_is_named() -> None:
    settings = replace(Settings.from_env(GOOD), verify_rate="often")
    with pytest.raises(SettingError, match="PLUGIN_VERIFY_RATE"):
        limits.init_app(Flask("plugin"), settings)


@pytest.mark.parametrize(
    "host", ["localhost:8700", "tool.localhost:8700", "127.0.0.1:8700", "[::1]:8700"]
)
def test_plain_http_is_accepted_on_this_machine(host: str) -> None:
    settings = Settings.from_env({**GOOD, "PLUGIN_TOOL_URL": f"http://{host}"})
    assert settings.tool_host == host


def test_one_host_for_both_origins_needs_the_word_of_the_operator() -> None:
    one = {**GOOD, "PLUGIN_CONTENT_URL": "https://training.example.org"}
    assert Settings.from_env({**one, "PLUGIN_TRUST_PACKAGES": "1"}).trust_packages


def test_the_readme_lists_every_setting() -> None:
    readme = Path(__file__).resolve().parents[3].joinpath("README.md").read_text()
    missing = [
        f"PLUGIN_{each.name.upper()}"
        for each in fields(Settings)
        if f"`PLUGIN_{each.name.upper()}`" not in readme
    ]
    assert missing == []
