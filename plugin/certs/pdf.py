"""The one door to xhtml2pdf: HTML in, the same bytes out every time."""

import io
import logging
from pathlib import Path

import reportlab.rl_config
from xhtml2pdf import pisa
from xhtml2pdf.bidi import display_order

reportlab.rl_config.invariant = 1  # the bytes of a PDF depend on its facts only
for _name in ("xhtml2pdf", "svglib", "reportlab"):
    # They quote what is being printed: people's names. Failures come back as PdfError.
    logging.getLogger(_name).setLevel(logging.CRITICAL + 1)


class PdfError(RuntimeError):
    """The PDF could not be made; its message never holds what was printed."""


def make(html: str, *, files: Path) -> bytes:
    """The document as a PDF; it may read bundled files below `files` and nothing else."""
    policy = pisa.ResourceAccessPolicy.server(files, allow_remote=False)
    out = io.BytesIO()
    try:
        status = pisa.CreatePDF(
            html, dest=out, path=str(files / "certificate.html"), resource_policy=policy
        )
    except Exception as error:
        # The library's messages quote the page, and a failed step is logged with its message.
        raise PdfError(f"{type(error).__name__} while making a PDF") from None
    if status.err:
        raise PdfError(f"{status.err} errors while making a PDF")
    return out.getvalue()


def visual_order(text: str, base: str) -> tuple[list[int], list[int]]:
    """Where each character of a line is drawn, from the left, and how deep it is embedded (UAX 9).

    `base` is L or R. Characters at odd levels run from right to left.
    """
    order, levels = display_order(text, base)
    return list(order), list(levels)


def base_direction(text: str) -> str:
    """L or R: the direction of the first letter that has one."""
    _, levels = display_order(text, None)
    return "R" if levels and min(levels) % 2 else "L"
