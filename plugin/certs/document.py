"""One edition's facts as a printed page: fonts by script, QR code, logo, the template."""

import base64
import io
from dataclasses import dataclass, field
from datetime import date
from typing import Any

import segno
from babel.dates import format_date
from jinja2 import Environment
from markupsafe import Markup
from PIL import Image, UnidentifiedImageError

from plugin.certs import faces, lettering, pdf
from plugin.certs.faces import Face
from plugin.certs.facts import CertificateFacts
from plugin.core.log import log

TEMPLATE = "certs/certificate.html"
LOGO_BOX = (200.0, 46.0)
LOGO_KINDS = {"PNG": "image/png", "JPEG": "image/jpeg"}
INK = "#1b2733"


@dataclass(slots=True)
class Setter:
    """What the template sets its words with; it remembers which faces they need."""

    locale: str
    used: dict[str, Face] = field(default_factory=dict)

    def put(
        self,
        words: object,
        size: float,
        width: float,
        style: str = "text",
        smallest: float = 0,
        colour: str = INK,
    ) -> Markup:
        """`words` as HTML at most `width` points wide, shrunk to `smallest` before it wraps."""
        setting = lettering.set_words(
            words.unescape() if isinstance(words, Markup) else str(words),
            style=style,
            size=size,
            smallest=smallest or size,
            width=width,
            locale=self.locale,
        )
        if setting.is_outline:
            lines = [_image(line, setting.size, colour) for line in setting.lines]
        else:
            lines = [self._text(line, setting.size, colour) for line in setting.lines]
        return Markup("<br/>").join(lines)

    def faces(self) -> Markup:
        """The @font-face rules of what has been put so far."""
        rule = Markup("@font-face {{ font-family: {}; src: url({}); }}\n")
        return Markup("").join(
            rule.format(name, face.path.name) for name, face in sorted(self.used.items())
        )

    def _text(self, line: lettering.Line, size: float, colour: str) -> Markup:
        spans = []
        for run in line.runs:
            self.used[run.face.name] = run.face
            span = Markup('<span style="font-family:{};font-size:{:.2f}pt;color:{}">{}</span>')
            spans.append(span.format(run.face.name, size, colour, run.text))
        return Markup("").join(spans)


def certificate_pdf(
    facts: CertificateFacts,
    environment: Environment,
    *,
    language: str,
    logo: bytes | None = None,
) -> bytes:
    """The edition as A4 landscape; the same facts, fonts and template give the same bytes.

    `environment` brings the templates and gettext in `language`, which is also that of the dates.
    The facts' locale says whose Han shapes to prefer.
    """
    setter = Setter(facts.locale)
    html = environment.get_template(TEMPLATE).render(
        facts=facts,
        put=setter.put,
        font_faces=setter.faces,
        day=lambda on: spelled(on, language),
        language=language.replace("_", "-"),
        qr=qr_code(facts.verify_url),
        logo=logo_of(logo),
        ink=INK,
    )
    return pdf.make(html, files=faces.FOLDER)


def spelled(on: date | None, language: str) -> str:
    """The day as the language writes it; nothing for none."""
    return format_date(on, format="long", locale=language) if on else ""


def qr_code(address: str) -> str:
    """The address as a QR code: PNG in a data address."""
    out = io.BytesIO()
    segno.make(address, error="m", micro=False).save(out, kind="png", scale=4, border=3)
    return _data("image/png", out.getvalue())


def logo_of(content: bytes | None) -> dict[str, Any] | None:
    """The logo scaled into its box; one that cannot be read is left out and logged."""
    if content is None:
        return None
    try:
        with Image.open(io.BytesIO(content), formats=tuple(LOGO_KINDS)) as image:
            kind, (width, height) = LOGO_KINDS[str(image.format)], image.size
    except (UnidentifiedImageError, Image.DecompressionBombError):
        log.warning("certificate.logo_unreadable")
        return None
    scale = min(LOGO_BOX[0] / width, LOGO_BOX[1] / height)
    return {"source": _data(kind, content), "width": width * scale, "height": height * scale}


def _image(line: lettering.Line, size: float, colour: str) -> Markup:
    drawing = lettering.outline(line, size, colour).encode()
    return Markup('<img src="{}" style="width:{:.2f}pt;height:{:.2f}pt"/>').format(
        _data("image/svg+xml", drawing), line.width, size * lettering.LINE_HEIGHT
    )


def _data(kind: str, content: bytes) -> str:
    return f"data:{kind};base64,{base64.b64encode(content).decode()}"
