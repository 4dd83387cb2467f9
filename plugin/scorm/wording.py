"""The sentences of an import's findings: what was met, and how to mend it."""

import re
from dataclasses import dataclass
from typing import Any

from flask_babel import lazy_gettext as _l

from plugin.core.base import JsonList
from plugin.scorm.findings import Finding, Severity

MAX_FACT = 500
MAX_OF_A_KIND = 20
"""How many findings of one code are kept; of the others only how many they are."""
_CONTROL = re.compile("[\x00-\x1f\x7f\ud800-\udfff]")

SENTENCES: dict[str, Any] = {
    "zip.not_a_zip": _l(
        "This is not a zip file. Export the course from your authoring tool as a SCORM package "
        "(a .zip) and upload that file unchanged."
    ),
    "zip.broken": _l("The zip file is damaged. Export the package again, or repeat the upload."),
    "zip.encrypted": _l("The zip file is protected by a password. Export it without one."),
    "zip.method": _l(
        "The file is compressed in an unusual way. Make an ordinary zip (deflate) of the course."
    ),
    "zip.escape": _l(
        "A file name points outside the package. Export the package again; its names must not "
        "contain '..', a drive letter or a leading '/'."
    ),
    "zip.control": _l("A file name contains invisible characters. Rename the file and zip again."),
    "zip.link": _l("This is a link instead of a file. Replace it by the file it points to."),
    "zip.double_name": _l("The zip holds this name twice. Export the package again."),
    "zip.case_double": _l(
        "This name and %(other)s differ only in large and small letters; some computers will "
        "mix them up. Rename one."
    ),
    "zip.deep": _l(
        "The folders are nested more than %(limit)s deep, or the path is too long. Move the file "
        "nearer to the top of the course and zip again."
    ),
    "zip.long_name": _l("The file name is longer than %(limit)s bytes. Shorten it."),
    "zip.too_many_files": _l("The package has more than %(limit)s files. Split the course."),
    "zip.large": _l("The package unpacks to more than %(limit)s MB. Reduce its media."),
    "zip.bomb": _l(
        "This file unpacks to hundreds of times its size, which only malicious zips do. "
        "Export the package again."
    ),
    "zip.folder": _l("The manifest lies in the folder %(folder)s; that folder was used."),
    "zip.manifest_deep": _l(
        "imsmanifest.xml must lie at the top of the zip. Zip the contents of the course's "
        "folder, not the folder around it."
    ),
    "zip.no_manifest": _l(
        "There is no imsmanifest.xml in this zip, so it is not a SCORM package. In your "
        "authoring tool choose the LMS export, SCORM 1.2 or 2004."
    ),
    "zip.zip_in_zip": _l(
        "This zip only holds another zip. Unzip it once and upload the inner one."
    ),
    "zip.other_standard": _l(
        "This package is %(standard)s, not SCORM. Export the course as SCORM 1.2 or 2004."
    ),
    "manifest.large": _l(
        "imsmanifest.xml is larger than %(limit)s MB. Split the course into several packages."
    ),
    "manifest.xml": _l(
        "imsmanifest.xml is not well-formed: line %(line)s, column %(column)s. Export again."
    ),
    "manifest.entities": _l(
        "imsmanifest.xml defines XML entities, which could be used to attack. Remove them."
    ),
    "manifest.too_deep": _l(
        "imsmanifest.xml is nested more than %(depth)s levels deep. Put the course's contents into "
        "fewer levels and export again."
    ),
    "manifest.leading": _l("There were characters before the XML began; they were ignored."),
    "manifest.invisible": _l(
        "It holds invisible characters that XML forbids; they were read as spaces."
    ),
    "manifest.letters": _l(
        "Names of letters that only HTML knows, such as &nbsp;, were read as the letters they mean."
    ),
    "manifest.ampersand": _l(
        "A bare '&' was read as '&amp;'. Addresses in the manifest should write '&amp;'."
    ),
    "manifest.prefix": _l(
        "It uses prefixes of names, such as adlcp:, without saying what they mean; the usual "
        "meaning was assumed."
    ),
    "manifest.encoding": _l(
        "The file says UTF-8 but is not; it was read as Windows-1252. Save it as UTF-8."
    ),
    "manifest.not_a_manifest": _l(
        "The file is no manifest: it begins with <%(found)s>. In your authoring tool choose SCORM "
        "1.2 or 2004 and export again."
    ),
    "manifest.not_scorm": _l(
        "The manifest does not say that it is SCORM. In your authoring tool choose SCORM 1.2 or "
        "2004."
    ),
    "manifest.version": _l(
        "The manifest does not name a known SCORM version (%(found)s); %(used)s was assumed."
    ),
    "manifest.no_edition": _l(
        "The manifest does not say which edition of SCORM 2004 it is made for; %(used)s was "
        "assumed."
    ),
    "manifest.mixed": _l(
        "The manifest calls itself SCORM %(found)s, but its words and the pages of the course are "
        "those of SCORM %(used)s; it is played as that. Export it again as one of the two."
    ),
    "manifest.measure": _l(
        "“%(title)s” asks for a measure of %(found)s; SCORM 2004 writes measures from 0 to 1, so "
        "%(used)s was used. Export the course again if that is wrong."
    ),
    "manifest.submanifest": _l(
        "The manifest contains another manifest. Export the courses as separate packages."
    ),
    "manifest.no_organization": _l(
        "The manifest has no organization, so there is no course in it. Export the course as SCORM "
        "1.2 or 2004, not its files alone."
    ),
    "manifest.default_missing": _l(
        "The default organization %(wanted)s does not exist; the first one was used. Export again "
        "if that is the wrong course."
    ),
    "manifest.nothing_to_play": _l(
        "No item of the manifest opens a page of the course. Add a page to the course and export "
        "again."
    ),
    "manifest.empty_item": _l("The item “%(title)s” opens nothing; it is shown as a heading."),
    "manifest.no_resource": _l(
        "The item “%(title)s” names the resource %(id)s, which does not exist; it opens nothing. "
        "If it should, add its page to the course and export again."
    ),
    "manifest.no_href": _l(
        "The resource %(id)s of the item “%(title)s” has no address; it opens nothing. If it "
        "should, add its page to the course and export again."
    ),
    "manifest.double_id": _l("The identifier %(id)s is used twice; “%(title)s” was renamed."),
    "manifest.double_resource": _l(
        "%(count)s resources have the identifier %(id)s; items that name it open the first one, "
        "%(href)s. Export the course again if that is the wrong page."
    ),
    "manifest.untyped": _l(
        "The resource %(id)s of the item “%(title)s” does not say whether it reports results "
        "(adlcp:scormtype): opening it completes it. If it has a test, export it as a SCO."
    ),
    "manifest.outside": _l(
        "A resource starts at %(href)s, outside the package; it was looked for inside. Write its "
        "address relative to imsmanifest.xml."
    ),
    "manifest.too_many_items": _l(
        "The manifest has more than %(limit)s items. Split the course into several packages."
    ),
    "manifest.too_many_rules": _l(
        "The sequencing rules of all items come to more than %(limit)s elements. Use fewer or "
        "smaller collections of rules."
    ),
    "manifest.no_page": _l(
        "“%(title)s” starts at %(href)s, which is no page of the package. Write its address "
        "relative to imsmanifest.xml."
    ),
    "manifest.foreign_launch": _l(
        "“%(title)s” starts at another host (%(href)s). It cannot report results from there. "
        "Put the page into the package."
    ),
    "import.defect": _l(
        "Something in this program went wrong; that is our defect, not the package's. Try again. "
        "If it happens again, give whoever runs this server the reference %(reference)s."
    ),
    "import.no_space": _l(
        "The server's disk is full, also after several attempts. Ask whoever runs this server to "
        "make room (reference %(reference)s), then try again."
    ),
    "import.lost": _l("The uploaded file is no longer on the server. Upload it again."),
    "import.trouble": _l(
        "The server could not read or write its files or its database, also after several "
        "attempts. Ask whoever runs this server to look (reference %(reference)s), then try again."
    ),
    "import.interrupted": _l(
        "The server was stopped several times while it imported this package; it may lack memory. "
        "Ask whoever runs this server to look (reference %(reference)s), then try again."
    ),
    "scan.virus": _l(
        "The virus scanner found %(name)s in this file. Clean the computer it comes from, and "
        "export or save it again."
    ),
    "scan.unreachable": _l(
        "The virus scanner did not answer, so nothing was let in. Ask whoever runs this server to "
        "start it, then try again."
    ),
    "scan.too_large": _l(
        "The file is larger than the virus scanner accepts. Make it smaller, or ask whoever runs "
        "this server to raise the scanner's StreamMaxLength."
    ),
    "scan.failed": _l(
        "The virus scanner could not read this file, so nothing was let in. Export or save it "
        "again."
    ),
    "scorm.launch_file": _l(
        "“%(title)s” starts with this file, but it is not in the zip. Add it, or export again."
    ),
    "scorm.case": _l(
        "The manifest writes this name otherwise than the file %(other)s: large and small "
        "letters, spaces or %%-codes differ. It works here; rename one so that it works everywhere."
    ),
    "scorm.listed_file": _l(
        "Listed in the manifest but not in the zip (%(count)s): %(names)s. What the course needs "
        "of it has to be added, and zipped again."
    ),
    "scorm.foreign_host": _l(
        "This page loads something from %(host)s. It will not work without the internet, and "
        "that host learns who is training. Put what it loads into the package."
    ),
}


@dataclass(frozen=True, slots=True)
class Sentence:
    """A finding in words; `more` others are like it."""

    severity: str
    code: str
    file: str
    text: str
    more: int = 0

    @property
    def is_error(self) -> bool:
        return self.severity == Severity.ERROR


def stored(findings: tuple[Finding, ...]) -> JsonList:
    """The findings as they are kept, each kind together: codes and facts, no language.

    Of many of a kind the first are kept; the last of them says how many more there were.
    """
    kinds: dict[str, list[Finding]] = {}
    for each in findings:
        kinds.setdefault(each.code, []).append(each)
    return [each for found in kinds.values() for each in _stored(found)]


def _stored(found: list[Finding]) -> JsonList:
    kept: JsonList = [
        {
            "severity": str(each.severity),
            "code": each.code,
            "file": _printable(each.file),
            "facts": {name: _printable(fact) for name, fact in each.facts.items()},
        }
        for each in found[:MAX_OF_A_KIND]
    ]
    if len(found) > len(kept):
        kept[-1]["more"] = len(found) - len(kept)
    return kept


def how_many(said: list[Sentence]) -> int:
    """How many findings there were, also those that were not kept."""
    return sum(1 + each.more for each in said)


def _printable(fact: Any) -> Any:
    """As a database can keep it and a page can show it, whatever the package wrote."""
    return _CONTROL.sub("?", fact)[:MAX_FACT] if isinstance(fact, str) else fact


def sentences(findings: JsonList) -> list[Sentence]:
    """Kept findings in the reader's language, errors first."""
    words = [
        Sentence(
            each["severity"],
            each["code"],
            each["file"],
            str(SENTENCES[each["code"]]) % each["facts"],
            each.get("more", 0),
        )
        for each in findings
    ]
    return sorted(words, key=lambda each: not each.is_error)
