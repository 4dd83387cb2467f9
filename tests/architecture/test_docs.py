"""What the documents point at is there."""

import importlib
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
DOCUMENTS = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]
FLOW = (ROOT / "docs" / "flow.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", sorted(set(re.findall(r"\[`(plugin[\w.]+)`\]", FLOW))))
def test_every_function_of_the_flow_exists(name: str) -> None:
    try:
        importlib.import_module(name)
    except ModuleNotFoundError:
        module, _, attribute = name.rpartition(".")
        assert hasattr(importlib.import_module(module), attribute), name


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_every_link_of_a_document_leads_somewhere(path: Path) -> None:
    for target in re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", path.read_text(encoding="utf-8")):
        if not target.startswith(("http:", "https:")):
            assert (path.parent / target).exists(), f"{path.name}: {target}"


RULES = ROOT / "docs" / "rules.md"
LINKED = re.findall(r"\]\(([^)#]+\.py)#(\w+)\)", RULES.read_text(encoding="utf-8"))


@pytest.mark.parametrize(("path", "name"), LINKED)
def test_every_test_the_rules_point_at_is_there(path: str, name: str) -> None:
    text = (RULES.parent / path).read_text(encoding="utf-8")
    assert re.search(rf"^def {name}\(", text, re.MULTILINE), f"{path} has no {name}"


def test_every_example_of_the_rules_points_at_a_test_of_its_number() -> None:
    numbers = {
        int(each) for _, name in LINKED for each in re.findall(r"^test_example_(\d+)_", name)
    }
    assert numbers == set(range(1, 12))
