"""Packages in the shapes authoring tools make: their manifests and folders, none of their code."""

import io
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from tests.support.packages import PAGE, zip_of

SPACES_12 = (
    'xmlns="http://www.imsproject.org/xsd/imscp_rootv1p1p2"'
    ' xmlns:adlcp="http://www.adlnet.org/xsd/adlcp_rootv1p2"'
    ' xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"'
    ' xsi:schemaLocation="http://www.imsproject.org/xsd/imscp_rootv1p1p2 imscp_rootv1p1p2.xsd"'
)
SPACES_2004 = (
    'xmlns="http://www.imsglobal.org/xsd/imscp_v1p1"'
    ' xmlns:adlcp="http://www.adlnet.org/xsd/adlcp_v1p3"'
    ' xmlns:adlseq="http://www.adlnet.org/xsd/adlseq_v1p3"'
    ' xmlns:adlnav="http://www.adlnet.org/xsd/adlnav_v1p3"'
    ' xmlns:imsss="http://www.imsglobal.org/xsd/imsss"'
)
BY_MEASURE = """<imsss:sequencing><imsss:objectives>
<imsss:primaryObjective objectiveID="PRIMARYOBJ" satisfiedByMeasure="true">
<imsss:minNormalizedMeasure>0.8</imsss:minNormalizedMeasure></imsss:primaryObjective>
</imsss:objectives><imsss:deliveryControls tracked="true" completionSetByContent="true"
 objectiveSetByContent="true"/></imsss:sequencing>"""
HIDDEN = "".join(
    f"<adlnav:hideLMSUI>{way}</adlnav:hideLMSUI>" for way in ("continue", "previous", "exit")
)


@dataclass(frozen=True, kw_only=True)
class Authored:
    """A package, and what an import makes of it: (address, whether it is a SCO) of each part."""

    name: str
    source: Callable[[], io.BytesIO]
    version: str
    title: str
    parts: tuple[tuple[str, bool], ...]
    codes: tuple[str, ...] = ()


def whole(
    spaces: str, version: str, inside: str, resources: str, *, title: str, default: str = "B0"
) -> str:
    metadata = f"<metadata><schema>ADL SCORM</schema>{version}</metadata>"
    named = f' default="{default}"' if default else ""
    return f"""<?xml version="1.0" encoding="utf-8" standalone="no" ?>
<manifest identifier="M" version="1" {spaces}>{metadata}
<organizations{named}><organization identifier="B0"><title>{title}</title>{inside}
</organization></organizations><resources>{resources}</resources></manifest>"""


def said(version: str) -> str:
    return f"<schemaversion>{version}</schemaversion>"


def zipped(manifest: str | bytes, *pages: str, **more: bytes | str) -> Callable[[], io.BytesIO]:
    files: Mapping[str, bytes | str] = {"imsmanifest.xml": manifest, **dict.fromkeys(pages, PAGE)}
    return lambda: zip_of({**files, **more})


def one(kind: str, href: str, *files: str, name: str = "scormtype") -> str:
    listed = "".join(f'<file href="{each}"/>' for each in (href.partition("?")[0], *files))
    return (
        f'<resource identifier="R" type="webcontent" adlcp:{name}="{kind}" href="{href}">'
        f"{listed}</resource>"
    )


def play(inside: str = "", more: str = "") -> str:
    return f'<item identifier="I" identifierref="R"{more}><title>Play</title>{inside}</item>'


STORYLINE = whole(
    SPACES_12,
    said("1.2"),
    play("<adlcp:masteryscore>80</adlcp:masteryscore>", ' isvisible="true"'),
    one("sco", "index_lms.html", "lms/scormdriver.js", "html5/data/css/output.min.css"),
    title="Storyline",
)
RISE = whole(
    SPACES_2004,
    said("2004 3rd Edition"),
    play(
        "<adlnav:presentation><adlnav:navigationInterface>"
        f"{HIDDEN}</adlnav:navigationInterface></adlnav:presentation>{BY_MEASURE}"
    ),
    one("sco", "scormdriver/indexAPI.html", "scormcontent/index.html", name="scormType"),
    title="Rise",
)
CAPTIVATE = whole(
    SPACES_12,
    said("1.2"),
    play(
        '<adlcp:prerequisites type="aicc_script"/><adlcp:maxtimeallowed/><adlcp:timelimitaction/>'
        "<adlcp:datafromlms/><adlcp:masteryscore>75</adlcp:masteryscore>"
    ),
    one("SCO", "index_scorm.html?v=11&amp;lang=en#start"),
    title="Captivate",
    default="course",
)
ISPRING = whole(
    SPACES_2004,
    said("2004 4th Edition"),
    play(
        '<adlcp:completionThreshold completedByMeasure="false" minProgressMeasure="1.0"/>'
        f"{BY_MEASURE}"
    ),
    one("sco", "res/index.html", name="scormType"),
    title="iSpring é",
)
ADAPT = whole(
    SPACES_12,
    "",
    play(more=' parameters="?lang=en"'),
    one("sco", "index_lms.html", name="scormType") + '<resource identifier="X" type="webcontent"/>',
    title="Adapt",
)
LECTORA = whole(
    SPACES_12,
    said("1.2"),
    '<item identifier="A"><title>Chapter</title>'
    '<item identifier="A001" identifierref="P1"><title>One</title>'
    "<adlcp:datafromlms>a=1</adlcp:datafromlms></item>"
    '<item identifier="A002" identifierref="P2"><title>Two</title>'
    '<adlcp:prerequisites type="aicc_script">A001</adlcp:prerequisites></item></item>',
    '<resource identifier="P1" type="webcontent" adlcp:scormtype="sco" href="titles\\a001.html"/>'
    '<resource identifier="P2" type="webcontent" adlcp:scormtype="sco" href="titles\\a002.html"/>',
    title="Lectora",
)
EXE = whole(
    SPACES_12,
    said("1.2"),
    '<item identifier="I1" identifierref="R1"><title>Start</title></item>'
    '<item identifier="I2" identifierref="R2"><title>Über uns</title></item>',
    '<resource identifier="R1" type="webcontent" adlcp:scormtype="sco" href="index.html">'
    '<dependency identifierref="COMMON_FILES"/></resource>'
    '<resource identifier="R2" type="webcontent" adlcp:scormtype="asset"'
    ' href="%C3%BCber%20uns.html"><dependency identifierref="COMMON_FILES"/></resource>'
    '<resource identifier="COMMON_FILES" type="webcontent" adlcp:scormtype="asset">'
    '<file href="base.css"/></resource>',
    title="eXe",
    default="",
).replace("</organizations>", '<organization identifier="B1"/></organizations>')
COLLECTED = whole(
    SPACES_2004,
    said("2004 4th Edition"),
    '<item identifier="I" identifierref="R"><title>Play</title>'
    '<imsss:sequencing IDRef="common"/></item>',
    one("sco", "a/b/start.html", name="scormType")
    .replace("<resource ", '<resource xml:base="a\\b" ')
    .replace('href="a/b/start.html"', 'href="start.html"'),
    title="Collected",
).replace(
    "</manifest>",
    '<imsss:sequencingCollection><imsss:sequencing ID="common"><imsss:limitConditions'
    ' attemptLimit="2"/></imsss:sequencing></imsss:sequencingCollection></manifest>',
)
SLIDES = whole(SPACES_12, said("1.2"), play(), one("sco", "index.html"), title="入门课程").replace(
    "utf-8", "GB2312"
)

AUTHORED = (
    Authored(
        name="Storyline",
        source=zipped(
            STORYLINE, "index_lms.html", "lms/scormdriver.js", "html5/data/css/output.min.css"
        ),
        version="1.2",
        title="Storyline",
        parts=(("index_lms.html", True),),
    ),
    Authored(
        name="Rise",
        source=zipped(RISE, "scormdriver/indexAPI.html", "scormcontent/index.html"),
        version="2004 3rd Edition",
        title="Rise",
        parts=(("scormdriver/indexAPI.html", True),),
    ),
    Authored(
        name="Captivate",
        source=zipped(CAPTIVATE, "index_scorm.html"),
        version="1.2",
        title="Captivate",
        parts=(("index_scorm.html?v=11&lang=en#start", True),),
        codes=("manifest.default_missing",),
    ),
    Authored(
        name="iSpring, with a mark before its XML",
        source=zipped(ISPRING.encode("utf-8-sig"), "res/index.html"),
        version="2004 4th Edition",
        title="iSpring é",
        parts=(("res/index.html", True),),
    ),
    Authored(
        name="iSpring, whose mark and declaration differ",
        source=zipped(ISPRING.replace("utf-8", "ISO-8859-1").encode("utf-8-sig"), "res/index.html"),
        version="2004 4th Edition",
        title="iSpring é",
        parts=(("res/index.html", True),),
    ),
    Authored(
        name="iSpring, in two bytes a letter without a mark",
        source=zipped(ISPRING.encode("utf-16-le"), "res/index.html"),
        version="2004 4th Edition",
        title="iSpring é",
        parts=(("res/index.html", True),),
    ),
    Authored(
        name="Adapt, of no version",
        source=zipped(ADAPT, "index_lms.html"),
        version="1.2",
        title="Adapt",
        parts=(("index_lms.html?lang=en", True),),
    ),
    Authored(
        name="Lectora, with the separators of Windows",
        source=zipped(LECTORA, **{"titles\\a001.html": PAGE, "titles\\a002.html": PAGE}),
        version="1.2",
        title="Lectora",
        parts=(("titles/a001.html", True), ("titles/a002.html", True)),
    ),
    Authored(
        name="eXeLearning, two organizations and no default",
        source=zipped(EXE, "index.html", "über uns.html", "base.css"),
        version="1.2",
        title="eXe",
        parts=(("index.html", True), ("%C3%BCber%20uns.html", False)),
    ),
    Authored(
        name="a folder as base and rules in a collection",
        source=zipped(COLLECTED, "a/b/start.html"),
        version="2004 4th Edition",
        title="Collected",
        parts=(("a/b/start.html", True),),
    ),
    Authored(
        name="Chinese letters in their own encoding",
        source=zipped(SLIDES.encode("gb2312"), "index.html"),
        version="1.2",
        title="入门课程",
        parts=(("index.html", True),),
    ),
    Authored(
        name="zipped on a Mac, with the folder around it",
        source=lambda: zip_of(
            {
                "My course/imsmanifest.xml": STORYLINE.replace('<file href="lms/', '<file href="'),
                "My course/index_lms.html": PAGE,
                "My course/scormdriver.js": "",
                "My course/html5/data/css/output.min.css": "",
                "My course/.DS_Store": "x",
                "__MACOSX/imsmanifest.xml": "x",
                "__MACOSX/My course/._imsmanifest.xml": "x",
            }
        ),
        version="1.2",
        title="Storyline",
        parts=(("index_lms.html", True),),
        codes=("zip.folder",),
    ),
)
