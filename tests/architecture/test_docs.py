"""What the documents point at is there."""

import importlib
import io
import re
import shlex
from pathlib import Path

import click
import pytest
from babel.messages.pofile import read_po

from plugin.cli import plugin
from plugin.lti.tool.check_wording import LABELS, WHERE
from plugin.lti.tool.profiles import MAKES

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


def test_the_readme_tells_what_each_folder_of_the_house_is_about() -> None:
    folders = {path.parent.name for path in (ROOT / "plugin").glob("*/__init__.py")}
    told = re.findall(
        r"^\| `plugin/(\w+)` \|", DOCUMENTS[0].read_text(encoding="utf-8"), re.MULTILINE
    )
    assert sorted(told) == sorted(folders)


RULES = ROOT / "docs" / "rules.md"
LINKED = re.findall(r"\]\(([^)#]+\.py)#(\w+)\)", RULES.read_text(encoding="utf-8"))


@pytest.mark.parametrize(("path", "name"), LINKED)
def test_every_test_the_rules_point_at_is_there(path: str, name: str) -> None:
    text = (RULES.parent / path).read_text(encoding="utf-8")
    assert re.search(rf"^def {name}\(", text, re.MULTILINE), f"{path} has no {name}"


def sentences_of_the_rules() -> list[str]:
    """Each sentence or example; a link to a test is `⊢`, any other what it says."""
    text = RULES.read_text(encoding="utf-8").partition("\n## ")[2].partition("\n")[2]
    text = re.sub(r"\[[^\]]*\]\((?:\.\./tests/[^)]*)\)", "⊢", text)
    text = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", text)
    found = []
    for each in re.split(r"\n\s*\n", text):
        words = " ".join(line.lstrip("> ") for line in each.splitlines())
        if each.startswith("#"):
            continue
        found += [words] if each.startswith(">") else re.split(r"(?<=[.)])\s+(?=[A-Z*])", words)
    return found


def test_every_sentence_of_the_rules_points_at_its_test() -> None:
    found = sentences_of_the_rules()
    assert len(found) > 40
    assert [each for each in found if "⊢" not in each] == []


def test_every_example_of_the_rules_points_at_a_test_of_its_number() -> None:
    numbers = {
        int(each) for _, name in LINKED for each in re.findall(r"^test_example_(\d+)_", name)
    }
    assert numbers == set(range(1, 12))


WORDS = ROOT / "translations" / "ar" / "LC_MESSAGES" / "messages.po"
INSTALLS = {
    "install-moodle.md": "moodle",
    "install-canvas.md": "canvas",
    "install-blackboard.md": "blackboard",
    "install-brightspace.md": "desire2learn",
    "install-sakai.md": "sakai",
    "install-openedx.md": "openedx",
}


def text_of(name: str) -> str:
    return (ROOT / "docs" / name).read_text(encoding="utf-8")


def test_every_make_of_lms_has_instructions() -> None:
    assert set(INSTALLS.values()) == set(MAKES) == set(WHERE)
    assert {path.name for path in (ROOT / "docs").glob("install-*.md")} == set(INSTALLS)


@pytest.mark.parametrize("name", INSTALLS)
def test_what_instructions_call_by_name_is_called_so_on_our_pages(name: str) -> None:
    """In bold: our words. In italics: the LMS's."""
    known = {each.id for each in read_po(io.BytesIO(WORDS.read_bytes())) if each.id}
    singular = {each if isinstance(each, str) else each[0] for each in known}
    said = set(re.findall(r"\*\*([^*]+)\*\*", text_of(name)))
    assert said - singular == set()


@pytest.mark.parametrize(("name", "make"), INSTALLS.items())
def test_instructions_tell_each_check_and_what_mends_it(name: str, make: str) -> None:
    rows = re.findall(r"^\| \*\*(.+?)\*\* \| .+ \| (.+) \|$", text_of(name), re.MULTILINE)
    told = dict(rows)
    assert set(told) - {"Cookies and frame in this browser"} == {str(e) for e in LABELS.values()}
    for check, label in LABELS.items():
        assert told[str(label)] == str(WHERE[make].get(check, "–"))


@pytest.mark.parametrize("name", ["../README.md", *INSTALLS])
def test_commands_that_documents_name_exist_with_their_options(name: str) -> None:
    for line in re.findall(r"(?:^|`)plugin ([a-z][^`#\n]*)", text_of(name), re.MULTILINE):
        command: click.Command = plugin
        words = shlex.split(line)
        while words and isinstance(command, click.Group):
            found = command.get_command(click.Context(command), words[0])
            assert found is not None, line
            command, words = found, words[1:]
        known = {option for each in command.params for option in each.opts} | {"--help"}
        assert {word for word in words if word.startswith("--")} <= known, line
