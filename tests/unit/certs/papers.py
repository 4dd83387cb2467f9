"""Certificates to print in tests, and what they look like."""

import io
from collections.abc import Callable
from datetime import date
from typing import Any

import jinja2
import pypdfium2
from PIL import Image, ImageDraw

from plugin.certs.document import certificate_pdf
from plugin.certs.facts import CertificateFacts, ModuleLine
from plugin.core.paths import TEMPLATES

ADDRESS = "https://training.example.test/v/3q2-7wAbCdEfGhIjKlMnOpQrStUvWxYz"


def environment(translate: Callable[[str], str] = str) -> jinja2.Environment:
    made = jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES),
        autoescape=True,
        extensions=["jinja2.ext.i18n"],
    )
    made.install_gettext_callables(  # type: ignore[attr-defined]
        translate, lambda one, many, n: one if n == 1 else many, newstyle=True
    )
    return made


def line(title: str = "Working at height", **what: Any) -> ModuleLine:
    kept: dict[str, Any] = {
        "completed_on": date(2027, 3, 10),
        "valid_through": date(2028, 3, 10),
    }
    return ModuleLine(title=title, **(kept | what))


def facts(**what: Any) -> CertificateFacts:
    kept: dict[str, Any] = {
        "organization": "Harbour Works",
        "person": "Ada Byron",
        "unit": "North Quay",
        "configuration": "Basic safety",
        "modules": (line(), line("Confined spaces")),
        "valid_through": date(2028, 3, 10),
        "credential_id": "HW-4KD8-71QX",
        "passcode": "7QXK-M2PD-94TV",
        "verify_url": ADDRESS,
        "passcode_url": "https://training.example.test/verify",
        "edition": 1,
        "issued_on": date(2027, 3, 10),
        "locale": "en",
    }
    return CertificateFacts(**(kept | what))


def printed(*, language: str = "en", logo: bytes | None = None, **what: Any) -> bytes:
    return certificate_pdf(facts(**what), environment(), language=language, logo=logo)


def pictures(pdf: bytes, *, scale: float = 1) -> list[Image.Image]:
    document = pypdfium2.PdfDocument(pdf)
    return [page.render(scale=scale).to_pil().convert("L") for page in document]


def text_of(pdf: bytes) -> str:
    document = pypdfium2.PdfDocument(pdf)
    return "\n".join(page.get_textpage().get_text_range() for page in document)


def logo_png() -> bytes:
    image = Image.new("RGB", (300, 100), "#0b5d4e")
    ImageDraw.Draw(image).ellipse((10, 10, 90, 90), fill="white")
    out = io.BytesIO()
    image.save(out, "PNG")
    return out.getvalue()
