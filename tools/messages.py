"""Collect the words of the product, keep the translations in step, and compile them.

`python -m tools.messages` collects and compiles; with `compile` it only compiles.
"""

import sys
from io import BytesIO
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.extract import DEFAULT_KEYWORDS, extract_from_dir
from babel.messages.frontend import parse_mapping_cfg
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po

ROOT = Path(__file__).resolve().parents[1]
FOLDER = ROOT / "translations"
KEYWORDS = {**DEFAULT_KEYWORDS, "_l": None, "lazy_gettext": None}
NOISE = tuple(
    f'"{name}'.encode()
    for name in (
        "Generated-By:",
        "Language-Team:",
        "Last-Translator:",
        "PO-Revision-Date:",
        "POT-Creation-Date:",
        "Report-Msgid-Bugs-To:",
    )
)


def main() -> None:
    """Every catalogue has the words of today; what is new in them waits for a translator."""
    if sys.argv[1:] != ["compile"]:
        words = collected()
        for path in catalogues():
            catalog = read(path)
            catalog.update(words, no_fuzzy_matching=True)
            catalog.obsolete.clear()
            write(path, catalog)
            empty = sum(1 for message in catalog if message.id and not is_translated(message))
            print(f"{path.relative_to(ROOT)}: {len(catalog)} messages, {empty} to translate")
    compile_all()


def collected() -> Catalog:
    """Every message of the product's code and templates, by file."""
    with (ROOT / "babel.cfg").open() as file:
        methods, options = parse_mapping_cfg(file)  # type: ignore[no-untyped-call]
    catalog = Catalog(charset="utf-8")
    found = extract_from_dir(ROOT, methods, options, KEYWORDS, directory_filter=_is_ours)
    for place, _line, message, comments, context in found:
        catalog.add(message, locations=[(place, 0)], auto_comments=comments, context=context)
    return catalog


def _is_ours(folder: str) -> bool:
    parts = Path(folder).relative_to(ROOT).parts
    return not parts or parts[0] in {"plugin", "templates"}


def catalogues() -> list[Path]:
    """The files that translators write."""
    return sorted(FOLDER.glob("*/LC_MESSAGES/messages.po"))


def read(path: Path) -> Catalog:
    """The catalogue in a file."""
    with path.open("rb") as file:
        return read_po(file, locale=path.parts[-3])


def write(path: Path, catalog: Catalog) -> None:
    """The catalogue by file, without lines and dates, so that only words make differences."""
    out = BytesIO()
    write_po(out, catalog, width=0, sort_by_file=True, include_lineno=False)
    lines = out.getvalue().splitlines(keepends=True)
    path.write_bytes(b"".join(line for line in lines if not line.startswith(NOISE)))


def is_translated(message: object) -> bool:
    """Whether every form of it has words."""
    string = message.string  # type: ignore[attr-defined]
    return all(string) if isinstance(string, tuple | list) else bool(string)


def compile_all() -> None:
    """Beside each catalogue lies what the program reads."""
    for path in catalogues():
        with path.with_suffix(".mo").open("wb") as file:
            write_mo(file, read(path))


if __name__ == "__main__":
    main()
