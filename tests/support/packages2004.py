"""SCORM 2004 packages for tests: courses of parts that do what a test tells them to."""

import io

from tests.support.packages import zip_of

# A part that does what the test tells it to: `window.scorm` is the API it found.
PROBE = """<!doctype html><meta charset="utf-8"><title>Probe</title><p>Probe</p>
<script>
let api = null;
let here = window;
for (let at = window; !api && at; at = at === at.parent ? null : at.parent) {
  try { api = at.API_1484_11; } catch { break; }
}
if (!api && window.opener) api = window.opener.parent.API_1484_11;
window.scorm = api;
const query = new URLSearchParams(location.search);
window.part = query.get("part");
window.started = query.has("silent") ? "true" : api.Initialize("");
const leave = query.get("leave");
if (leave) addEventListener(leave, () => {
  api.SetValue("cmi.exit", "suspend");
  api.Terminate("");
});
</script>"""
CHOICE = '<imsss:controlMode choice="true" flow="false"/>'
FLOW = '<imsss:controlMode choice="false" flow="true"/>'
BOTH = '<imsss:controlMode choice="true" flow="true"/>'


def sequencing(inside: str, *, idref: str = "") -> str:
    ref = f' IDRef="{idref}"' if idref else ""
    return f"<imsss:sequencing{ref}>{inside}</imsss:sequencing>"


def rule(kind: str, action: str, *conditions: str, combination: str = "all") -> str:
    """One sequencing rule; a condition is `[not ]word[@objective]`."""
    inside = "".join(_condition(each) for each in conditions)
    return (
        f'<imsss:{kind}ConditionRule><imsss:ruleConditions conditionCombination="{combination}">'
        f'{inside}</imsss:ruleConditions><imsss:ruleAction action="{action}"/>'
        f"</imsss:{kind}ConditionRule>"
    )


def rules(*found: str) -> str:
    return f"<imsss:sequencingRules>{''.join(found)}</imsss:sequencingRules>"


def _condition(said: str) -> str:
    word, _, objective = said.removeprefix("not ").partition("@")
    operator = ' operator="not"' if said.startswith("not ") else ""
    reference = f' referencedObjective="{objective}"' if objective else ""
    return f'<imsss:ruleCondition condition="{word}"{operator}{reference}/>'


def part(identifier: str, inside: str = "", *, query: str = "", title: str = "") -> str:
    """A part that opens the probe; `inside` follows its title."""
    more = f"&amp;{query}" if query else ""
    return (
        f'<item identifier="{identifier}" identifierref="R" parameters="?part={identifier}{more}">'
        f"<title>{title or identifier}</title>{inside}</item>"
    )


def cluster(identifier: str, *inside: str) -> str:
    return f'<item identifier="{identifier}"><title>{identifier}</title>{"".join(inside)}</item>'


def manifest(
    *inside: str,
    schema: str = "2004 4th Edition",
    collection: str = "",
    attributes: str = "",
    kind: str = "sco",
) -> bytes:
    """A course of these items; a `<imsss:sequencing>` among them is the course's own."""
    return f"""<?xml version="1.0" encoding="UTF-8"?>
<manifest identifier="M" version="1" xmlns="http://www.imsglobal.org/xsd/imscp_v1p1"
 xmlns:adlcp="http://www.adlnet.org/xsd/adlcp_v1p3"
 xmlns:imsss="http://www.imsglobal.org/xsd/imsss"
 xmlns:adlseq="http://www.adlnet.org/xsd/adlseq_v1p3"
 xmlns:adlnav="http://www.adlnet.org/xsd/adlnav_v1p3">
<metadata><schema>ADL SCORM</schema><schemaversion>{schema}</schemaversion></metadata>
<organizations default="ORG"><organization identifier="ORG" {attributes}><title>A course</title>
{"".join(inside)}</organization></organizations>
<resources><resource identifier="R" type="webcontent" adlcp:scormType="{kind}" href="part.html"/>
</resources>{collection}</manifest>""".encode()


def course(*inside: str, **facts: str) -> io.BytesIO:
    """The package of a course of these items."""
    return zip_of({"imsmanifest.xml": manifest(*inside, **facts), "part.html": PROBE})
