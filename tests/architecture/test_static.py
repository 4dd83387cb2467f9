"""What the templates ask the browser to load is there, once `make assets` has run."""

import re
from pathlib import Path

import pytest

from plugin.core.paths import STATIC

TEMPLATES = Path(__file__).resolve().parents[2] / "templates"
NAMED = re.compile(r"url_for\(\s*'static',\s*filename='([^']+)'")
FILES = sorted(
    {name for path in TEMPLATES.rglob("*.*") for name in NAMED.findall(path.read_text("utf-8"))}
)


@pytest.mark.parametrize("name", FILES)
def test_every_static_file_a_template_names_is_there(name: str) -> None:
    assert (STATIC / name).is_file(), name
