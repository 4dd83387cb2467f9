"""Build the certificate's fonts from npm's packages into `static/vendor/fonts`.

Latin, Greek, Cyrillic and Vietnamese: one file per style. Other scripts: one file each, with layout
tables where letters join, stack or run from right to left. Han and Hangul: the slices as they come,
because a text needs a few of them.
All become static, unhinted TrueType. `index.json` says which file has which characters.
"""

import hashlib
import io
import json
import shutil
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import uharfbuzz as hb
from fontTools.ttLib import TTFont

ROOT = Path(__file__).resolve().parents[1]
SOURCE = ROOT / "node_modules"
TARGET = ROOT / "static" / "vendor" / "fonts"
STYLES = (
    ("text", "@expo-google-fonts/noto-sans", "400Regular/NotoSans_400Regular.ttf"),
    ("bold", "@expo-google-fonts/noto-sans", "700Bold/NotoSans_700Bold.ttf"),
    ("name", "@expo-google-fonts/noto-serif", "600SemiBold/NotoSerif_600SemiBold.ttf"),
)
SLICED = "@fontsource-variable/noto-sans-{}"
PLAIN = ("armenian", "ethiopic", "georgian")
SHAPED = (
    "arabic", "bengali", "devanagari", "gujarati", "gurmukhi", "hebrew", "kannada", "khmer", "lao",
    "malayalam", "myanmar", "oriya", "sinhala", "tamil", "telugu", "thai",
)  # fmt: skip
EAST_ASIAN = ("jp", "kr", "sc", "tc")
NOT_EAST_ASIAN = {"latin", "latin-ext", "vietnamese", "cyrillic", "greek", "math", "symbols"}
OTHER_FACES_DRAW = {*range(0x900, 0x980), *range(0x1CD0, 0x1D00), *range(0xA830, 0xA900)}
"""Devanagari and its extensions: Noto Sans has them, but they belong to their own face."""
LAYOUT = ("GSUB", "GPOS", "GDEF", "BASE", "STAT", "vhea", "vmtx", "VORG")
REGULAR = 400
LICENCE_NAMES = {0, 13, 14}
FACE_NAMES = (1, 4, 6)


@dataclass(frozen=True, slots=True)
class Face:
    """One file, what it is for, and the ranges of characters in it."""

    group: str
    file: str
    ranges: list[tuple[int, int]]


class MissingPackageError(Exception):
    """An npm package with fonts is not installed; the message says what to do."""


def main() -> None:
    """The fonts are in place afterwards; quick when they already were."""
    try:
        built = build(SOURCE, TARGET)
    except MissingPackageError as error:
        sys.exit(str(error))
    print("fonts: built" if built else "fonts: up to date")


def build(source: Path, target: Path) -> bool:
    """Write every face, the index and the licence; False when this was already done."""
    stamp = _stamp(source)
    done = target / "stamp"
    if done.exists() and done.read_text() == stamp:
        return False
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=target.parent, prefix=".fonts-") as folder:
        fresh = Path(folder) / "fonts"
        fresh.mkdir()
        faces = [*_alphabets(source, fresh), *_scripts(source, fresh), *_east_asian(source, fresh)]
        index = {"faces": [asdict(face) for face in faces]}
        (fresh / "index.json").write_text(json.dumps(index, separators=(",", ":")))
        for package in _packages():
            shutil.copyfile(_licence(source / package), fresh / f"LICENSE-{Path(package).name}.txt")
        (fresh / "stamp").write_text(stamp)
        shutil.rmtree(target, ignore_errors=True)
        fresh.rename(target)
    return True


def _packages() -> list[str]:
    sliced = [SLICED.format(script) for script in (*PLAIN, *SHAPED, *EAST_ASIAN)]
    return sorted({*sliced, *(package for _, package, _ in STYLES)})


def _licence(package: Path) -> Path:
    own = package / "LICENSE_FONT"
    return own if own.exists() else package / "LICENSE"


def _stamp(source: Path) -> str:
    """What the result depends on: this program and the packages' versions."""
    facts = [Path(__file__).read_text()]
    for package in _packages():
        manifest = source / package / "package.json"
        if not manifest.exists():
            raise MissingPackageError(
                f"The npm package {package} is not installed; run `make assets`."
            )
        facts.append(f"{package} {json.loads(manifest.read_text())['version']}")
    return hashlib.sha256("\n".join(facts).encode()).hexdigest()


def _alphabets(source: Path, target: Path) -> Iterator[Face]:
    """Each style twice: plain for text, and with layout for marks that no composed letter has."""
    for style, package, file in STYLES:
        for group in (style, f"marks-{style}"):
            content = _static(
                source / package / file, layout=group != style, without=OTHER_FACES_DRAW
            )
            yield _write(content, group, target / f"noto-{group}.ttf")


def _scripts(source: Path, target: Path) -> Iterator[Face]:
    for script in (*PLAIN, *SHAPED):
        name = f"noto-sans-{script}"
        file = source / SLICED.format(script) / "files" / f"{name}-{script}-wght-normal.woff2"
        group = "shaped" if script in SHAPED else "plain"
        content = _static(file, layout=group == "shaped")
        yield _write(content, group, target / f"{name}.ttf")


def _east_asian(source: Path, target: Path) -> Iterator[Face]:
    for region in EAST_ASIAN:
        name = f"noto-sans-{region}"
        files = source / SLICED.format(region) / "files"
        for file in sorted(files.glob(f"{name}-*-wght-normal.woff2")):
            part = file.name.removeprefix(f"{name}-").removesuffix("-wght-normal.woff2")
            if part not in NOT_EAST_ASIAN:
                yield _write(_static(file, layout=False), region, target / f"{name}-{part}.ttf")


def _static(file: Path, *, layout: bool, without: set[int] | frozenset[int] = frozenset()) -> bytes:
    """The font as unhinted TrueType of regular weight, with or without its layout tables."""
    font = TTFont(file, recalcTimestamp=False)
    font.flavor = None
    plain = io.BytesIO()
    font.save(plain)
    face = hb.Face(plain.getvalue())
    wanted = hb.SubsetInput()
    if layout:
        wanted.keep_everything()
    else:
        wanted.drop_table_tag_set.update(int.from_bytes(tag.encode()) for tag in LAYOUT)
    wanted.unicode_set.clear()
    wanted.unicode_set.update(set(font.getBestCmap()) - without)
    wanted.flags = hb.SubsetFlags.NO_HINTING | hb.SubsetFlags.NOTDEF_OUTLINE
    if "fvar" in font:
        wanted.pin_axis_location(face, "wght", REGULAR)
    made: bytes = hb.subset(face, wanted).blob.data
    return made


def _write(content: bytes, group: str, path: Path) -> Face:
    """Each file carries a name of its own: PDF libraries tell faces apart by it."""
    font = TTFont(io.BytesIO(content), recalcTimestamp=False)
    names = font["name"]
    names.names = [each for each in names.names if each.nameID in LICENCE_NAMES]
    for kind in FACE_NAMES:
        names.setName(path.stem, kind, 3, 1, 0x409)
    font.save(path)
    return Face(group, path.name, _ranges(sorted(font.getBestCmap())))


def _ranges(points: list[int]) -> list[tuple[int, int]]:
    found: list[tuple[int, int]] = []
    for point in points:
        if found and found[-1][1] == point - 1:
            found[-1] = (found[-1][0], point)
        else:
            found.append((point, point))
    return found


if __name__ == "__main__":
    main()
