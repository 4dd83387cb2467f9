"""Zips for tests: good packages in a line, bad ones as easily."""

import io
import zipfile
from collections.abc import Mapping

PAGE = b"<!doctype html><title>Page</title>"


def item(
    identifier: str = "I1", title: str = "Part one", resource: str = "R1", inside: str = ""
) -> str:
    ref = f' identifierref="{resource}"' if resource else ""
    return f'<item identifier="{identifier}"{ref}><title>{title}</title>{inside}</item>'


def resource(
    identifier: str = "R1", href: str = "index.html", kind: str = "sco", inside: str = ""
) -> str:
    at = f' href="{href}"' if href else ""
    return (
        f'<resource identifier="{identifier}" type="webcontent" adlcp:scormtype="{kind}"{at}>'
        f"{inside}</resource>"
    )


def manifest(
    *,
    items: str | None = None,
    resources: str | None = None,
    mastery: str = "",
    schema: str = "1.2",
    title: str = "A course",
) -> bytes:
    """A SCORM 1.2 manifest of one SCO unless told otherwise."""
    inside = f"<adlcp:masteryscore>{mastery}</adlcp:masteryscore>" if mastery else ""
    return f"""<?xml version="1.0" encoding="UTF-8"?>
<manifest identifier="M1" version="1.0" xmlns="http://www.imsproject.org/xsd/imscp_rootv1p1p2"
 xmlns:adlcp="http://www.adlnet.org/xsd/adlcp_rootv1p2">
<metadata><schema>ADL SCORM</schema><schemaversion>{schema}</schemaversion></metadata>
<organizations default="O1"><organization identifier="O1"><title>{title}</title>
{items if items is not None else item(inside=inside)}</organization></organizations>
<resources>{resources if resources is not None else resource()}</resources></manifest>
""".encode()


def zip_of(files: Mapping[str, bytes | str]) -> io.BytesIO:
    """A zip with these files, in this order."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    out.seek(0)
    return out


def package(
    files: Mapping[str, bytes | str] | None = None, *, manifest_bytes: bytes | None = None
) -> io.BytesIO:
    """A package that can be played: a manifest and a page, and whatever is added."""
    content: dict[str, bytes | str] = {
        "imsmanifest.xml": manifest_bytes or manifest(),
        "index.html": PAGE,
    }
    return zip_of({**content, **(files or {})})
