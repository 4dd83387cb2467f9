"""Set words in any script: which faces, where lines end, and outlines where a PDF needs shaping.

Alphabets and Han stay text. Scripts whose letters join, stack or run from right to left are shaped
by HarfBuzz and drawn as outlines, because the PDF library places one glyph per character.
"""

import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from itertools import groupby
from typing import Any

import uharfbuzz as hb
from fontTools.pens.svgPathPen import SVGPathPen
from fontTools.pens.transformPen import TransformPen

from plugin.certs import faces, pdf
from plugin.certs.faces import Face

LINE_HEIGHT = 1.5
ASCENT = 1.1
MISSING = "\ufffd"
PICTURES = {"So", "Sk", "Co", "Cn"}
JOINERS = "\u200c\u200d"
NEVER_FIRST = frozenset("、。，．・：；？！」』）】〕〉》ー々ぁぃぅぇぉっゃゅょァィゥェォッャュョ")
HAN = ("\u2e80", "\u9fff", "\uf900", "\ufaff", "\U00020000", "\U0003ffff")


@dataclass(frozen=True, slots=True)
class Cluster:
    """A character with the marks that belong to it, and the face that draws it."""

    text: str
    face: Face


@dataclass(frozen=True, slots=True)
class Run:
    """Neighbours of one line that one face draws in one direction."""

    text: str
    face: Face
    level: int


@dataclass(frozen=True, slots=True)
class Line:
    """Runs from the left to the right, and their width in points."""

    runs: tuple[Run, ...]
    width: float


@dataclass(frozen=True, slots=True)
class Setting:
    """Words set in lines of one size."""

    lines: tuple[Line, ...]
    size: float
    is_outline: bool


def set_words(
    words: str, *, style: str, size: float, smallest: float, width: float, locale: str
) -> Setting:
    """`words` in lines of at most `width` points: shrunk before wrapped, never cut."""
    clean = _clean(words)
    if clean.isascii():
        plain = _plain_line(clean, style, size, smallest, width)
        if plain is not None:
            return plain
    clusters = _clusters(clean, style, locale)
    outline = any(each.face.needs_shaping for each in clusters)
    whole = _width(clusters)
    fitting = max(smallest, min(size, width / whole if whole else size))
    base = pdf.base_direction("".join(each.text for each in clusters))
    lines = tuple(
        Line(_runs(line, base), _width(line) * fitting)
        for line in _broken(clusters, width / fitting)
    )
    return Setting(lines, fitting, outline)


def _plain_line(
    text: str, style: str, size: float, smallest: float, width: float
) -> Setting | None:
    """The short way for most words: one face, one direction, if one line is enough."""
    (face,) = faces.catalogue()[style]
    whole = _advance(face, text)
    fitting = max(smallest, min(size, width / whole if whole else size))
    if whole * fitting > width:
        return None
    return Setting((Line((Run(text, face, 0),), whole * fitting),), fitting, False)


def outline(line: Line, size: float, colour: str) -> str:
    """The line as an SVG image as wide as the line and LINE_HEIGHT sizes high."""
    x, paths = 0.0, SVGPathPen(None, ntos=lambda number: f"{number:.2f}".rstrip("0").rstrip("."))
    for run in line.runs:
        x = _draw(run, size, x, paths)
    box = f'width="{x:.2f}pt" height="{size * LINE_HEIGHT:.2f}pt"'
    view = f'viewBox="0 0 {x:.2f} {size * LINE_HEIGHT:.2f}"'
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" {box} {view}>'
        f'<path fill="{colour}" fill-rule="nonzero" d="{paths.getCommands()}"/></svg>'
    )


def _draw(run: Run, size: float, x: float, pen: Any) -> float:
    """Add the run's glyphs at `x`; where the next run begins."""
    font = faces.font(run.face.path)
    scale = size / font.face.upem
    shaped = _shape(run.face, run.text, run.level % 2 == 1)
    for info, place in zip(shaped.glyph_infos, shaped.glyph_positions, strict=True):
        at = (x + place.x_offset * scale, size * ASCENT - place.y_offset * scale)
        font.draw_glyph_with_pen(info.codepoint, TransformPen(pen, (scale, 0, 0, -scale, *at)))
        x += place.x_advance * scale
    return x


def _clean(words: str) -> str:
    """Composed, on one line, without control characters, direction overrides and variants."""
    flat = " ".join(unicodedata.normalize("NFC", words).split())
    if flat.isascii() and flat.isprintable():
        return flat
    return "".join(each for each in flat if each in JOINERS or not _is_invisible(each))


def _is_invisible(character: str) -> bool:
    is_variant = "\ufe00" <= character <= "\ufe0f" or "\U000e0100" <= character <= "\U000e01ef"
    return is_variant or unicodedata.category(character) in {"Cc", "Cf", "Cs"}


def _clusters(text: str, style: str, locale: str) -> list[Cluster]:
    groups = faces.catalogue()
    han = [face for region in faces.regions(text, locale) for face in groups[region]]
    shaped = (*groups[f"marks-{style}"], *groups["shaped"])
    search = (*groups[style], *groups["text"], *groups["plain"], *groups["shaped"], *han)
    found: list[Cluster] = []
    for characters in _with_marks(text):
        before = found[-1].face if found else None
        face = _face_of(characters, before, search, shaped)
        if face is not None:
            found.append(Cluster(characters, face))
        elif unicodedata.category(characters[0]) not in PICTURES:
            found.append(Cluster(MISSING, groups[style][0]))
    return found


def _with_marks(text: str) -> Iterator[str]:
    cluster = ""
    for each in text:
        if cluster and not (each in JOINERS or unicodedata.category(each).startswith("M")):
            yield cluster
            cluster = ""
        cluster += each
    if cluster:
        yield cluster


def _face_of(
    cluster: str, before: Face | None, search: Iterable[Face], shaped: Iterable[Face]
) -> Face | None:
    """The first face that has all of it; spaces and signs stay with the shaped word before them."""
    is_neutral = not cluster[0].isalnum()
    if before and before.needs_shaping and is_neutral and _draws(before, cluster):
        return before
    wanted = shaped if len(cluster) > 1 else search
    whole = next((face for face in wanted if _draws(face, cluster)), None)
    return whole or next((face for face in search if face.draws(ord(cluster[0]))), None)


def _draws(face: Face, cluster: str) -> bool:
    return all(face.draws(ord(each)) or each in JOINERS for each in cluster)


def _broken(clusters: list[Cluster], width: float) -> Iterator[list[Cluster]]:
    """Lines of at most `width` sizes; a word wider than a line is broken where it must."""
    line: list[Cluster] = []
    for word in _words(clusters):
        if _width([*line, *word]) <= width:
            line += word
            continue
        if line:
            yield _stripped(line)
            line = []
        for cluster in word:
            if line and _width([*line, cluster]) > width:
                yield _stripped(line)
                line = []
            line.append(cluster)
    if line:
        yield _stripped(line)


def _words(clusters: list[Cluster]) -> Iterator[list[Cluster]]:
    """What stays together: up to a space, hyphen or slash; Han and kana one by one."""
    word: list[Cluster] = []
    for cluster in clusters:
        first = cluster.text[0]
        if word and _is_han(first) and first not in NEVER_FIRST:
            yield word
            word = []
        word.append(cluster)
        if first in " -/–":
            yield word
            word = []
    if word:
        yield word


def _is_han(character: str) -> bool:
    return any(low <= character <= high for low, high in zip(HAN[::2], HAN[1::2], strict=True))


def _stripped(line: list[Cluster]) -> list[Cluster]:
    return line[:-1] if line[-1].text == " " else line


def _width(clusters: Iterable[Cluster]) -> float:
    """In sizes, without the space at the end."""
    total = 0.0
    pending = 0.0
    for face, run in groupby(clusters, key=lambda each: each.face):
        text = "".join(each.text for each in run)
        kept = text.rstrip(" ")
        total += pending + _advance(face, kept)
        pending = _advance(face, text[len(kept) :])
    return total


def _runs(line: list[Cluster], base: str) -> tuple[Run, ...]:
    """The line's runs in the order they are drawn."""
    text = "".join(each.text for each in line)
    owners = [each.face for each in line for _ in each.text]
    order, levels = pdf.visual_order(text, base)
    place = {index: at for at, index in enumerate(order)}
    keyed: list[tuple[int, Run]] = []
    for (face, level), run in groupby(
        range(len(text)), key=lambda index: (owners[index], levels[index])
    ):
        indices = list(run)
        keyed.append(
            (min(place[i] for i in indices), Run("".join(text[i] for i in indices), face, level))
        )
    return tuple(run for _, run in sorted(keyed, key=lambda each: each[0]))


@lru_cache(maxsize=4096)
def _advance(face: Face, text: str) -> float:
    """How far `text` goes, in sizes."""
    if not text:
        return 0.0
    shaped = _shape(face, text, pdf.base_direction(text) == "R")
    units = sum(each.x_advance for each in shaped.glyph_positions)
    return float(units / faces.font(face.path).face.upem)


def _shape(face: Face, text: str, is_right_to_left: bool) -> Any:
    buffer = hb.Buffer()
    buffer.add_str(text)
    buffer.guess_segment_properties()
    buffer.direction = "rtl" if is_right_to_left else "ltr"
    hb.shape(faces.font(face.path), buffer)
    return buffer
