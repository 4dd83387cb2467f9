"""The compose file and the image say only what the product understands."""

import re
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest
import yaml

from plugin.cli import plugin
from plugin.core.settings import Environment, Settings

ROOT = Path(__file__).resolve().parents[2]
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
IMAGE = (ROOT / "Dockerfile").read_text()
SECRETS = {
    "POSTGRES_PASSWORD": "p" * 20,
    "REDIS_PASSWORD": "r" * 20,
    "PLUGIN_SECRET_KEY": "s" * 32,
    "PLUGIN_ENCRYPTION_KEY": "e" * 32,
}
REAL = {
    "PLUGIN_TOOL_URL": "https://training.example.org",
    "PLUGIN_CONTENT_URL": "https://packages.example.org",
    "PLUGIN_MAIL_HOST": "mail.example.org",
    "PLUGIN_MAIL_SENDER": "training@example.org",
}
OURS = ("migrate", "web", "dispatcher", "worker")


@pytest.mark.parametrize("name", [".gitignore", ".dockerignore"])
def test_the_file_with_the_secrets_enters_neither_the_repository_nor_the_image(name: str) -> None:
    assert ".env" in (ROOT / name).read_text().splitlines()


def test_every_part_of_the_product_and_its_servers_is_a_service() -> None:
    assert set(COMPOSE["services"]) == {*OURS, "postgres", "redis", "mail"}
    assert COMPOSE["services"]["mail"]["profiles"] == ["trial"]


@pytest.mark.parametrize("name", OURS)
def test_a_service_names_only_settings_that_exist_and_every_required_one(name: str) -> None:
    said = set(COMPOSE["services"][name]["environment"])
    known = {f"PLUGIN_{each.name.upper()}" for each in fields(Settings)}
    assert said <= known
    needed = {"TOOL_URL", "CONTENT_URL", "DATABASE_URL", "SECRET_KEY", "ENCRYPTION_KEY"}
    needed |= {"STORAGE_DIR", "MAIL_HOST", "MAIL_SENDER", "REDIS_URL"}
    assert {f"PLUGIN_{each}" for each in needed} <= said


@pytest.mark.parametrize("name", [name for name in OURS if name != "web"])
def test_a_service_runs_a_command_that_exists(name: str) -> None:
    program, command = COMPOSE["services"][name]["command"]
    assert program == "plugin"
    assert command in plugin.commands


@pytest.mark.parametrize("name", ["web", "dispatcher", "worker"])
def test_nothing_starts_before_the_database_is_migrated(name: str) -> None:
    before = COMPOSE["services"][name]["depends_on"]
    assert before["migrate"]["condition"] == "service_completed_successfully"
    assert COMPOSE["services"][name]["restart"] == "unless-stopped"


def environment(given: dict[str, str]) -> dict[str, str]:
    """What compose makes of the web service's environment with this `.env`."""

    def value(found: re.Match[str]) -> str:
        name, sign, rest = found.groups()
        assert given.get(name) or sign == ":-", name
        return given.get(name) or str(rest)

    said = COMPOSE["services"]["web"]["environment"]
    return {name: re.sub(r"\$\{(\w+)(:[?-])([^}]*)\}", value, text) for name, text in said.items()}


def test_the_product_starts_with_what_is_asked_for() -> None:
    settings = Settings.from_env(environment(SECRETS | REAL))
    assert settings.env is Environment.PRODUCTION
    assert settings.proxy_hops == 1


@pytest.mark.parametrize("name", sorted(SECRETS | REAL))
def test_nothing_that_is_needed_has_a_default(name: str) -> None:
    given = SECRETS | REAL
    del given[name]
    with pytest.raises(AssertionError, match=name):
        environment(given)


def test_the_product_starts_with_the_values_of_the_trial() -> None:
    text = (ROOT / "docker-compose.yml").read_text()
    trial = dict(re.findall(r"^#   (PLUGIN_\w+)=(.*)$", text, re.MULTILINE))
    settings = Settings.from_env(environment(SECRETS | trial))
    assert settings.mail_host in COMPOSE["services"], "mails go to the catcher"
    assert settings.tool_url == "http://localhost:8700"
    assert COMPOSE["services"]["web"]["ports"] == ["127.0.0.1:8700:8700"]


def test_no_secret_stands_in_the_compose_file() -> None:
    text = (ROOT / "docker-compose.yml").read_text()
    for name in ("POSTGRES_PASSWORD", "REDIS_PASSWORD", "PLUGIN_SECRET_KEY"):
        assert re.search(rf"{name}:\?", text), name


def test_the_image_serves_as_nobody_special_with_locked_requirements() -> None:
    assert "--require-hashes -r requirements/run.txt" in IMAGE
    assert re.search(r"^USER plugin$", IMAGE, re.MULTILINE)
    assert '"plugin", "serve"' in IMAGE
    assert "HEALTHCHECK" in IMAGE
