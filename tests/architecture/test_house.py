"""The house rules that no import contract can say."""

import ast
import re
from pathlib import Path

import pytest
from flask import Flask

from plugin.app import tables
from plugin.core.outbox import QUEUE_OF, JobName
from plugin.jobs import pipeline

ROOT = Path(__file__).resolve().parents[2]
SOURCES = sorted((ROOT / "plugin").rglob("*.py"))
TEMPLATES = sorted((ROOT / "templates").rglob("*.html"))
WITHOUT_ORGANIZATION = {"organization", "outbox", "periodic", "topic_certificate"}
PRINTED = {"certificate.html", "transcript.html"}
WITH_TOKENS_OF_THEIR_OWN = {"passcode.html", "answer.html", "reminders.html"}
"""Beside LTI messages: asking for a certificate changes nothing; links in mails are secrets."""
FLASK_EDGE = re.compile(
    r"(views|forms|commands|emails|mailer|pylti|context|db|errors|app|dispatch|rendering)\.py$"
)


def test_every_job_name_is_a_function_of_the_pipeline_with_a_queue() -> None:
    for job in JobName:
        assert callable(getattr(pipeline, job.value, None)), job
        assert job in QUEUE_OF


def test_every_table_belongs_to_an_organization() -> None:
    without = {table.name for table in tables().sorted_tables if "organization_id" not in table.c}
    assert without == WITHOUT_ORGANIZATION & set(tables().tables)


def test_every_page_decides_who_may_see_it(whole_app: Flask) -> None:
    undecided = [
        f"{rule.endpoint} {rule.rule}"
        for rule in whole_app.url_map.iter_rules()
        if rule.endpoint != "static"
        and not rule.endpoint.endswith(".static")
        and not hasattr(whole_app.view_functions[rule.endpoint], "required_role")
    ]
    assert undecided == []


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_templates_hold_no_inline_script_style_or_foreign_host(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    if "mail" in path.parts or path.name in PRINTED:
        return  # mail and PDF renderers know no style sheets of ours
    assert not re.search(r"<script(?![^>]*\ssrc=)", text)
    assert not re.search(r"\s(style|on[a-z]+)=", text)
    assert not re.search(r"(src|href)=[\"']https?:", text)


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_every_form_that_posts_carries_a_csrf_token(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    if {"lti", "mail"} & set(path.parts) or path.name in WITH_TOKENS_OF_THEIR_OWN:
        return
    for form in re.findall(
        r"<form[^>]*method=[\"']post[\"'].*?</form>", text, re.DOTALL | re.IGNORECASE
    ):
        assert "csrf_token" in form or "hidden_tag" in form, form[:120]


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_only_the_clock_reads_the_machines_time(path: Path) -> None:
    if path.name == "clock.py":
        return
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            name = ast.unparse(node.func)
            assert name not in {"datetime.now", "date.today", "datetime.utcnow", "time.time"}


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_only_the_edge_imports_flask(path: Path) -> None:
    inside = path.relative_to(ROOT / "plugin")
    if inside.parts[0] == "web" or FLASK_EDGE.search(path.name) or inside.name == "cli.py":
        return
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        names = (
            [alias.name for alias in node.names]
            if isinstance(node, ast.Import)
            else [node.module or ""]
            if isinstance(node, ast.ImportFrom)
            else []
        )
        assert not {"flask"} & {name.split(".")[0] for name in names}, inside


def test_nothing_in_the_tree_names_an_index_or_a_registry() -> None:
    for name in ("pyproject.toml", "package.json", "package-lock.json", *_locks()):
        path = ROOT / name
        if path.exists():
            text = path.read_text(encoding="utf-8")
            assert not re.search(r"https?://[^\"\s]*(pypi|registry|npmjs|simple)", text), name


def _locks() -> list[str]:
    return [f"requirements/{path.name}" for path in (ROOT / "requirements").glob("*.txt")]
