"""Certificates: ours beside the same page written by hand in ReportLab, in one run.

Both draw the same words in the same fonts with the same QR picture, in one process, warm; the
figures are milliseconds of processor time for one document.

Run: python -m benchmarks.certificates [number of documents]
"""

import base64
import io
import platform
import secrets
import statistics
import sys
import time
from collections.abc import Callable
from typing import Any

from reportlab.lib.utils import ImageReader
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.ttfonts import TTFont
from reportlab.pdfgen.canvas import Canvas

from plugin.certs import document, faces
from plugin.certs.facts import CertificateFacts
from tests.unit.certs.papers import environment, facts, line

PAGE = (842, 595)
TARGET = 2.2


def another(**what: Any) -> CertificateFacts:
    """The next person's certificate: no two are alike."""
    token = secrets.token_urlsafe(24)
    return facts(
        **{"person": f"Ada Byron {token[:4]}"} | what,
        modules=MODULES,
        verify_url=f"https://training.example.test/v/{token}",
        passcode=token[:14].upper(),
    )


def by_hand() -> bytes:
    """The page as somebody would write it with the library below ours."""
    said, out = another(), io.BytesIO()
    canvas = Canvas(out, pagesize=PAGE, invariant=1)
    for group in ("text", "bold", "name"):
        pdfmetrics.registerFont(TTFont(group, str(faces.FOLDER / f"noto-{group}.ttf")))
    canvas.rect(18, 18, 806, 559)
    for y, group, size, words in (
        (470, "name", 30, "Certificate"),
        (445, "text", 11, "This certifies that"),
        (410, "name", 30, said.person),
        (385, "text", 11, "has completed all required training of"),
        (365, "bold", 16, said.configuration),
        (348, "text", 12, said.unit),
        (325, "bold", 14, "Valid through March 10, 2028"),
    ):
        canvas.setFont(group, size)
        canvas.drawCentredString(421, y, words)
    y = 300
    for module in said.modules:
        canvas.setFont("text", 10)
        for x, words in ((56, module.title), (456, "March 10, 2027"), (620, "March 10, 2028")):
            canvas.drawString(x, y, words)
        canvas.line(56, y - 4, 786, y - 4)
        y -= 17
    picture = base64.b64decode(document.qr_code(said.verify_url).partition(",")[2])
    canvas.drawImage(ImageReader(io.BytesIO(picture)), 56, 34, 92, 92)
    for y, group, size, words in (
        (110, "bold", 10, "Check this certificate"),
        (96, "text", 9, said.verify_url),
        (82, "text", 8.5, f"or enter this passcode at {said.passcode_url}"),
        (62, "bold", 14, said.passcode),
        (48, "text", 8, "What this page shows was true on the day it was issued."),
        (34, "bold", 11, said.credential_id),
    ):
        canvas.setFont(group, size)
        canvas.drawString(156, y, words)
    canvas.save()
    return out.getvalue()


MODULES = tuple(line(f"Working at height, part {number}") for number in range(1, 6))


def ours() -> bytes:
    return document.certificate_pdf(another(), ENVIRONMENT, language="en")


def in_hindi() -> bytes:
    said = another(person="क्षितिज श्रीवास्तव", locale="hi")
    return document.certificate_pdf(said, ENVIRONMENT, language="en")


ENVIRONMENT = environment()


def measured(draw: Callable[[], bytes], times: int) -> float:
    """The median of the processor's milliseconds for one document."""
    for _ in range(5):
        draw()
    spent = []
    for _ in range(times):
        start = time.process_time()
        draw()
        spent.append((time.process_time() - start) * 1000)
    return statistics.median(spent)


def main() -> None:
    times = int(sys.argv[1]) if len(sys.argv) > 1 else 100
    floor = measured(by_hand, times)
    print(f"{platform.machine()}, Python {platform.python_version()}, {times} documents each")
    print(f"ReportLab by hand   {floor:6.1f} ms   1.00")
    for name, draw in (("ours", ours), ("ours, Hindi name", in_hindi)):
        spent = measured(draw, times)
        print(f"{name:<18}  {spent:6.1f} ms   {spent / floor:4.2f}   (reach: {TARGET})")


if __name__ == "__main__":
    main()
