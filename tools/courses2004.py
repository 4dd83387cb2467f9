"""Build a demo course of several parts into a SCORM 2004 package: sequencing included."""

import json
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape, quoteattr

from tools.courses import SOURCES, fragment, written

# ruff: noqa: E501 - lines of a manifest
SHARED = ("course.css", "part.js")
MANIFEST = """<?xml version="1.0" encoding="UTF-8"?>
<manifest identifier={identifier} version="1.0" xmlns="http://www.imsglobal.org/xsd/imscp_v1p1"
    xmlns:adlcp="http://www.adlnet.org/xsd/adlcp_v1p3"
    xmlns:adlseq="http://www.adlnet.org/xsd/adlseq_v1p3"
    xmlns:imsss="http://www.imsglobal.org/xsd/imsss">
  <metadata><schema>ADL SCORM</schema><schemaversion>2004 4th Edition</schemaversion></metadata>
  <organizations default="course">
    <organization identifier="course" adlseq:objectivesGlobalToSystem="false">
      <title>{title}</title>
{items}
      <imsss:sequencing>
        <imsss:controlMode choice="true" flow="true"/>
      </imsss:sequencing>
    </organization>
  </organizations>
  <resources>
{resources}
  </resources>
</manifest>
"""
ITEM = """      <item identifier={id} identifierref={resource}>
        <title>{title}</title>
        <imsss:sequencing>
{rules}          <imsss:rollupRules objectiveMeasureWeight="{weight}" rollupProgressCompletion="{counts}" rollupObjectiveSatisfied="{counts}"/>
{objectives}        </imsss:sequencing>
      </item>"""
RULE = """          <imsss:sequencingRules><imsss:preConditionRule>
            <imsss:ruleConditions><imsss:ruleCondition condition="satisfied" {operator}referencedObjective="other"/></imsss:ruleConditions>
            <imsss:ruleAction action="{action}"/>
          </imsss:preConditionRule></imsss:sequencingRules>
"""
OBJECTIVES = """          <imsss:objectives>
            <imsss:primaryObjective objectiveID={own}><imsss:mapInfo targetObjectiveID={done} readSatisfiedStatus="false" readNormalizedMeasure="false" writeSatisfiedStatus="true"/></imsss:primaryObjective>
{other}          </imsss:objectives>
"""
OTHER = """            <imsss:objective objectiveID="other"><imsss:mapInfo targetObjectiveID={done}/></imsss:objective>
"""
RESOURCE = """    <resource identifier={id} type="webcontent" adlcp:scormType="sco" href={href}>
{files}
    </resource>"""
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
<script>window.PART = {part};</script>
<script src="part.js"></script>
</body>
</html>
"""


def build(folder: Path, course: dict[str, Any]) -> Path:
    """The package of one course of several parts."""
    parts: list[dict[str, Any]] = course["parts"]
    files = {f"{part['id']}.html": _page(folder, course, part) for part in parts}
    for name in SHARED:
        files[name] = (SOURCES / "shared" / name).read_text(encoding="utf-8")
    files["imsmanifest.xml"] = MANIFEST.format(
        identifier=quoteattr(course["identifier"]),
        title=escape(course["title"]),
        items="\n".join(_item(course, part) for part in parts),
        resources="\n".join(_resource(part) for part in parts),
    )
    return written(course["identifier"], files)


def _item(course: dict[str, Any], part: dict[str, Any]) -> str:
    """A pre-test does not count; what may be skipped does not either; only the last has a score."""
    watched = part.get("skippedAfter") or part.get("opensAfter") or ""
    is_skipped = "skippedAfter" in part
    counts = not is_skipped and part["id"] not in _pretests(course)
    rule = RULE.format(
        action="skip" if is_skipped else "disabled",
        operator="" if is_skipped else 'operator="not" ',
    )
    return ITEM.format(
        id=quoteattr(part["id"]),
        resource=quoteattr(f"sco-{part['id']}"),
        title=escape(part["title"]),
        rules=rule if watched else "",
        weight="1.0" if part["kind"] == "test" and counts else "0.0",
        counts="true" if counts else "false",
        objectives=OBJECTIVES.format(
            own=quoteattr(f"of-{part['id']}"),
            done=quoteattr(f"done-{part['id']}"),
            other=OTHER.format(done=quoteattr(f"done-{watched}")) if watched else "",
        ),
    )


def _pretests(course: dict[str, Any]) -> set[str]:
    return {part["skippedAfter"] for part in course["parts"] if "skippedAfter" in part}


def _resource(part: dict[str, Any]) -> str:
    names = (f"{part['id']}.html", *SHARED)
    return RESOURCE.format(
        id=quoteattr(f"sco-{part['id']}"),
        href=quoteattr(f"{part['id']}.html"),
        files="\n".join(f'      <file href="{name}"/>' for name in names),
    )


def _page(folder: Path, course: dict[str, Any], part: dict[str, Any]) -> str:
    pages = part.get("pages", [])
    said = {
        "kind": part["kind"],
        "title": part["title"],
        "intro": part.get("intro", ""),
        "pages": pages,
        "passMark": course["passMark"],
        "isLast": part is course["parts"][-1],
        "quiz": [each for each in course["quiz"] if each.get("part") == part["id"]],
    }
    return PAGE.format(
        title=escape(part["title"]),
        steps=max(len(pages), 1),
        pages="\n".join(
            f'<template id="page-{number}">{fragment(folder, number)}</template>'
            for number in pages
        ),
        part=json.dumps(said).replace("<", "\\u003c"),
    )
