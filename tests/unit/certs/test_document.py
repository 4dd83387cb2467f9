"""The printed page: the same bytes for the same facts, complete, and closed to the outside."""

import json
import logging
import socket
import time
from datetime import date
from pathlib import Path

import pytest
import segno
from PIL import Image, ImageOps

from plugin.certs import faces, pdf
from plugin.certs.document import certificate_pdf
from plugin.certs.faces import FontsMissingError
from plugin.certs.facts import CertificateFacts
from tests.unit.certs.papers import (
    ADDRESS,
    environment,
    facts,
    line,
    logo_png,
    pictures,
    printed,
    text_of,
)

LONG = (
    "Maria Theresia Wilhelmina Alexandra von Habsburg-Lothringen zu Sayn-Wittgenstein-Berleburg "
    "und Hohenzollern-Sigmaringen"
)


def test_the_same_facts_give_the_same_bytes_at_any_time() -> None:
    first = printed(logo=logo_png(), person="क्षितिज 王小明 Ada")
    time.sleep(1.1)
    assert printed(logo=logo_png(), person="क्षितिज 王小明 Ada") == first


def test_other_facts_give_other_bytes() -> None:
    assert printed(edition=2) != printed()


def test_the_page_is_a4_landscape() -> None:
    (page,) = pictures(printed())
    assert (page.width, page.height) == (842, 596)


def test_twenty_modules_with_long_titles_flow_on_with_everything_on_each_page() -> None:
    titles = [f"Lifting operations and lifting equipment, part {n}" for n in range(1, 21)]
    content = printed(modules=tuple(line(title * 2) for title in titles), person=LONG, unit=LONG)
    pages = pictures(content)
    assert len(pages) in {2, 3}
    text = text_of(content)
    flat = " ".join(text.split())
    for title in titles:
        assert title in flat
    assert text.count("7QXK-M2PD-94TV") == len(pages)
    assert text.count("Training module") == len(pages)
    for number, picture in enumerate(pages, start=1):
        assert f"Page {number}" in flat
        assert picture.crop((60, 455, 150, 555)).getextrema() == (0, 255)  # the QR code


def test_one_page_is_enough_for_nine_modules() -> None:
    assert len(pictures(printed(modules=tuple(line(f"Module {n}") for n in range(9))))) == 1


def test_what_has_no_end_and_who_is_exempt_is_said() -> None:
    text = text_of(
        printed(
            valid_through=None,
            modules=(
                line("For ever", valid_through=None),
                line("Waived", completed_on=None, is_exempt=True),
            ),
        )
    )
    assert "Valid without an end date" in text
    assert "No end date" in text
    assert "Exempt" in text


def test_markup_in_names_is_printed_not_obeyed() -> None:
    text = text_of(printed(person="<b>O'Neil</b> & {{ 7 }}", unit='"/><img src="http://x/">'))
    assert "<b>O'Neil</b> & {{ 7 }}" in text
    assert '"/><img src="http://x/">' in text


def test_words_and_dates_come_in_the_language() -> None:
    words = {"Certificate": "Zertifikat", "Valid through %(day)s": "Gültig bis %(day)s"}
    content = certificate_pdf(
        facts(), environment(lambda text: words.get(text, text)), language="de"
    )
    assert "Zertifikat" in text_of(content)
    assert "Gültig bis 10. März 2028" in text_of(content)


def test_the_qr_code_is_the_verify_address() -> None:
    expected = segno.make(ADDRESS, error="m", micro=False)
    (page,) = pictures(printed(), scale=4)
    side = expected.symbol_size(border=3)[0]
    left, top, right = _edges(page)
    module = (right - left) / (side - 6)
    seen = [
        [
            page.getpixel((left + (x + 0.5) * module, top + (y + 0.5) * module)) < 128
            for x in range(side - 6)
        ]
        for y in range(side - 6)
    ]
    assert seen == [[bool(dark) for dark in row] for row in expected.matrix]


def _edges(page: Image.Image) -> tuple[float, float, float]:
    """Left, top and right of the dark modules in the lower left corner of the page."""
    corner = (40 * 4, 455 * 4, 152 * 4, 560 * 4)
    box = ImageOps.invert(page.crop(corner)).point(lambda value: 255 * (value > 128)).getbbox()
    assert box is not None
    return corner[0] + box[0], corner[1] + box[1], corner[0] + box[2]


def test_a_logo_is_drawn_and_a_broken_one_is_left_out(caplog: pytest.LogCaptureFixture) -> None:
    corner = (50, 30, 260, 90)
    plain = pictures(printed())[0].crop(corner)
    assert plain.getextrema() == (255, 255)
    assert pictures(printed(logo=logo_png()))[0].crop(corner).getextrema()[0] < 120
    assert pictures(printed(logo=b"\x89PNG broken"))[0].crop(corner).getextrema() == (255, 255)
    assert pictures(printed(logo=b"<svg/>"))[0].crop(corner).getextrema() == (255, 255)


def test_the_pdf_library_says_nothing_of_what_it_prints(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG):
        pdf.make("<p style='font-size:nonsense'>Ada ཀ</p><img src='x.png'/>", files=faces.FOLDER)
        printed(person="Ada ཀ 😀")
    assert "Ada" not in caplog.text
    assert "ཀ" not in caplog.text


def test_a_failure_does_not_quote_what_was_printed() -> None:
    with pytest.raises(pdf.PdfError) as failure:
        pdf.make("<div>" * 3000 + "Ada Byron", files=faces.FOLDER)
    assert "Ada" not in str(failure.value)
    assert failure.value.__suppress_context__


def test_a_document_reads_nothing_from_the_network_or_outside_its_folder(tmp_path: Path) -> None:
    secret = tmp_path / "secret.png"
    secret.write_bytes(logo_png())
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(0.2)
        port = server.getsockname()[1]
        html = (
            f'<img src="http://127.0.0.1:{port}/a.png"/>'
            f'<link rel="stylesheet" href="http://127.0.0.1:{port}/a.css"/>'
            f'<style>@font-face {{ font-family: x; src: url("http://127.0.0.1:{port}/a.ttf") }}'
            f'@import "http://127.0.0.1:{port}/b.css";</style><p style="font-family:x">hello</p>'
            f'<img src="{secret}"/><img src="file://{secret}"/><img src="../../../etc/passwd"/>'
        )
        try:
            made = pdf.make(html, files=faces.FOLDER)
        except pdf.PdfError:
            made = b""
        with pytest.raises(TimeoutError):
            server.accept()
    assert b"/Subtype /Image" not in made


def test_missing_fonts_are_named_with_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(FontsMissingError, match="Build them with `make assets`"):
        faces.catalogue(tmp_path)
    (tmp_path / "index.json").write_text(
        json.dumps({"faces": [{"group": "text", "file": "gone.ttf", "ranges": [[32, 126]]}]})
    )
    faces.catalogue.cache_clear()
    with pytest.raises(FontsMissingError):
        faces.catalogue(tmp_path)


def test_facts_survive_being_kept() -> None:
    said = facts(
        valid_through=None, modules=(line(), line("Waived", completed_on=None, is_exempt=True))
    )
    kept = json.loads(json.dumps(said.to_json()))
    assert CertificateFacts.from_json(kept) == said
    assert facts().valid_through == date(2028, 3, 10)
