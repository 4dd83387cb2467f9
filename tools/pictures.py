"""Make the README's pictures from the running demo: `make pictures`."""

import shutil
import tempfile
from pathlib import Path

import pypdfium2
from playwright.sync_api import sync_playwright

from tests.browser.test_journey import RIGHT_ANSWERS, open_training, play, wait_for_mail
from tests.support import demo as demos
from tests.support.browser import ARGUMENTS, chromium

TARGET = Path(__file__).resolve().parents[1] / "docs" / "pictures"
PDF_SCALE = 1.25


def main() -> None:
    """`docs/pictures` shows the dashboard and the certificate as the program makes them today."""
    base = Path(tempfile.mkdtemp(prefix="demo-"))
    try:
        with demos.running(base / "var") as demo, sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=chromium(), args=ARGUMENTS)
            page = browser.new_page(viewport={"width": 1280, "height": 860})
            tool = open_training(page, demo, "Lars Ødegård", "My safety training")
            play(page, tool, RIGHT_ANSWERS)
            wait_for_mail(page, demo, "Your certificate for Site access")
            content = page.request.get(page.locator("a.file").evaluate("a => a.href")).body()
            pdf = pypdfium2.PdfDocument(content)
            pdf[0].render(scale=PDF_SCALE).to_pil().save(TARGET / "certificate.png", optimize=True)
            page.goto(f"{demo.lms}/course/17")
            tool.get_by_text("Download the certificate").wait_for(timeout=20_000)
            page.screenshot(path=TARGET / "dashboard.png")
            browser.close()
    finally:
        shutil.rmtree(base, ignore_errors=True)


if __name__ == "__main__":
    main()
