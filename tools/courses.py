"""Build the demo's courses into SCORM packages, the same bytes from the same sources."""

import json
import zipfile
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape, quoteattr

ROOT = Path(__file__).resolve().parents[1]
SOURCES = ROOT / "courses"
TARGET = ROOT / "sandbox" / "courses"
EPOCH = (2026, 1, 1, 0, 0, 0)
SHARED = ("course.css", "course.js")

MANIFEST = """<?xml version="1.0" encoding="UTF-8"?>
<manifest identifier={identifier} version="1.0"
    xmlns="http://www.imsproject.org/xsd/imscp_rootv1p1p2"
    xmlns:adlcp="http://www.adlnet.org/xsd/adlcp_rootv1p2">
  <metadata><schema>ADL SCORM</schema><schemaversion>1.2</schemaversion></metadata>
  <organizations default="course">
    <organization identifier="course">
      <title>{title}</title>
      <item identifier="item" identifierref="sco">
        <title>{title}</title>
        <adlcp:masteryscore>{mastery}</adlcp:masteryscore>
      </item>
    </organization>
  </organizations>
  <resources>
    <resource identifier="sco" type="webcontent" adlcp:scormtype="sco" href="index.html">
{files}
    </resource>
  </resources>
</manifest>
"""
PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<link rel="stylesheet" href="course.css">
</head>
<body>
<div class="course">
<header><p>{title}</p><p id="place" aria-live="polite"></p></header>
<progress id="progress" max="{steps}" value="0" aria-label="Progress"></progress>
<main id="page"></main>
</div>
<nav aria-label="Pages">
<button type="button" id="back">Back</button>
<button type="button" id="next" class="next">Next</button>
</nav>
{pages}
<script>window.COURSE = {course};</script>
<script src="course.js"></script>
</body>
</html>
"""


def build(folder: Path) -> Path:
    """The package of one course."""
    course = json.loads((folder / "course.json").read_text(encoding="utf-8"))
    if course.get("edition") == "2004":
        from tools import courses2004  # noqa: PLC0415 - it builds upon this module

        return courses2004.build(folder, course)
    files: dict[str, str] = {"index.html": _page(folder, course)}
    for name in SHARED:
        files[name] = (SOURCES / "shared" / name).read_text(encoding="utf-8")
    listed = "\n".join(f'      <file href="{name}"/>' for name in sorted(files))
    files["imsmanifest.xml"] = MANIFEST.format(
        identifier=quoteattr(course["identifier"]),
        title=escape(course["title"]),
        mastery=course["passMark"],
        files=listed,
    )
    return written(course["identifier"], files)


def written(identifier: str, files: dict[str, str]) -> Path:
    """The zip of these files, the same bytes each time."""
    TARGET.mkdir(parents=True, exist_ok=True)
    target = TARGET / f"{identifier}.zip"
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as package:
        for name, text in sorted(files.items()):
            package.writestr(zipfile.ZipInfo(name, EPOCH), text, zipfile.ZIP_DEFLATED)
    return target


def _page(folder: Path, course: dict[str, Any]) -> str:
    pages = "\n".join(
        f'<template id="page-{number}">{fragment(folder, number)}</template>'
        for number in range(1, len(course["pages"]) + 1)
    )
    said = json.dumps({name: course[name] for name in ("pages", "passMark", "quiz")})
    return PAGE.format(
        title=escape(course["title"]),
        steps=len(course["pages"]) + 1,
        pages=pages,
        course=said.replace("<", "\\u003c"),
    )


def fragment(folder: Path, number: int) -> str:
    """One page of a course, as it was written."""
    return (folder / f"{number}.html").read_text(encoding="utf-8")


def main() -> None:
    """Every course of the repository is built."""
    for source in sorted(SOURCES.glob("*/course.json")):
        target = build(source.parent)
        print(f"Built {target.relative_to(ROOT)} ({target.stat().st_size // 1024} KB).")


if __name__ == "__main__":
    main()
