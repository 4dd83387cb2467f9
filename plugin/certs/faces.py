"""The bundled fonts: which file draws which character."""

import json
from bisect import bisect_right
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import uharfbuzz as hb

from plugin.core.paths import STATIC

FOLDER = STATIC / "vendor" / "fonts"
REGIONS = ("sc", "jp", "kr", "tc")
_REGION_OF_LANGUAGE = {"ja": "jp", "ko": "kr", "zh": "sc"}
_TRADITIONAL = ("hant", "tw", "hk", "mo")


class FontsMissingError(RuntimeError):
    """The fonts were not built; the message says how."""

    def __init__(self, folder: Path) -> None:
        super().__init__(
            f"The certificate fonts are not in {folder.name}/. Build them with `make assets`; "
            "an installed wheel brings them along."
        )


@dataclass(frozen=True, slots=True)
class Face:
    """One font file and the characters in it."""

    name: str
    group: str
    path: Path
    starts: tuple[int, ...]
    ends: tuple[int, ...]

    @property
    def needs_shaping(self) -> bool:
        """Whether its letters join, stack or carry marks, so that a PDF gets outlines."""
        return self.group == "shaped" or self.group.startswith("marks-")

    def draws(self, point: int) -> bool:
        """Whether the character has a glyph here."""
        at = bisect_right(self.starts, point) - 1
        return at >= 0 and point <= self.ends[at]


@lru_cache(maxsize=4)
def catalogue(folder: Path = FOLDER) -> dict[str, tuple[Face, ...]]:
    """The faces by group; raises FontsMissingError when the folder was never built."""
    try:
        listed = json.loads((folder / "index.json").read_text())["faces"]
    except FileNotFoundError:
        raise FontsMissingError(folder) from None
    groups: dict[str, list[Face]] = {}
    for each in listed:
        path = folder / each["file"]
        if not path.exists():
            raise FontsMissingError(folder)
        starts, ends = zip(*each["ranges"], strict=True)
        face = Face(path.stem.lower(), each["group"], path, starts, ends)
        groups.setdefault(face.group, []).append(face)
    return {group: tuple(faces) for group, faces in groups.items()}


@lru_cache(maxsize=256)
def font(path: Path) -> hb.Font:
    """The font for measuring and shaping, in its own units."""
    return hb.Font(hb.Face(hb.Blob.from_file_path(str(path))))


def regions(text: str, locale: str) -> tuple[str, ...]:
    """Whose Han shapes to prefer: what the text itself shows, then its language."""
    found = _region_of_text(text) or _region_of_locale(locale) or REGIONS[0]
    return (found, *(each for each in REGIONS if each != found))


def _region_of_text(text: str) -> str | None:
    if any("\u3040" <= each <= "\u30ff" for each in text):
        return "jp"
    if any("\uac00" <= each <= "\ud7a3" for each in text):
        return "kr"
    return None


def _region_of_locale(locale: str) -> str | None:
    language, *rest = locale.lower().replace("_", "-").split("-")
    if language == "zh" and any(each in _TRADITIONAL for each in rest):
        return "tc"
    return _REGION_OF_LANGUAGE.get(language)
