"""A real server in a thread, and the Chromium that visits it."""

import json
import os
import shutil
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from flask import Flask
from playwright.sync_api import Browser, BrowserContext, Error, Page
from werkzeug.serving import make_server

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
MAC = Path("/Applications/Google Chrome.app/Contents/MacOS/Google Chrome")
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
PICTURE_ATTEMPTS = 3
PICTURES = Path(__file__).resolve().parents[1] / "browser" / "screenshots"


def chromium() -> str:
    """The browser to drive: the one `CHROMIUM` names, else the first one installed."""
    found = os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, NAMES)), None)
    if found is None and MAC.exists():
        found = str(MAC)
    if found is None:
        raise RuntimeError("no Chromium here: install it or set CHROMIUM to its path")
    return found


def shell() -> str:
    """A Chromium without anything around its pages, where there is one: it costs a third less.

    It knows no preferences and shows no PDF; what is about those asks for `chromium()`.
    """
    return shutil.which("chromium-headless-shell") or chromium()


@dataclass(frozen=True, slots=True)
class Address:
    """A port on loopback, held open so that nobody else takes it, and its two origins."""

    listener: socket.socket

    @property
    def port(self) -> int:
        return int(self.listener.getsockname()[1])

    @property
    def tool(self) -> str:
        return f"http://localhost:{self.port}"

    @property
    def content(self) -> str:
        return f"http://content.localhost:{self.port}"


@contextmanager
def free_address() -> Iterator[Address]:
    """A port nobody else has, already listening."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield Address(listener)


@contextmanager
def serving(app: Flask, address: Address) -> Iterator[None]:
    """The app answers at `address`, one thread per request, until the end of the block."""
    server = make_server(
        "127.0.0.1", address.port, app, threaded=True, fd=os.dup(address.listener.fileno())
    )
    server.log = lambda *_: None  # type: ignore[method-assign]
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        server.server_close()
        thread.join(timeout=10)


def take_picture(page: Page, name: str) -> Path:
    """A picture of the whole page for people to look at, where `PICTURES=1` asks for them."""
    path = PICTURES / f"{name}.png"
    if not os.environ.get("PICTURES"):
        return path
    PICTURES.mkdir(exist_ok=True)
    for left in reversed(range(PICTURE_ATTEMPTS)):
        try:
            page.screenshot(path=path, full_page=True, caret="initial")  # no style is put in
            break
        except Error:  # a busy machine had no frame to show; a picture is not what is tested
            if not left:
                raise
            page.wait_for_timeout(500)
    return path


def overflows(page: Page) -> int:
    """By how many pixels the page is wider than the window; 0 when nothing scrolls sideways."""
    page.wait_for_load_state("load")  # before its styles are there a page has no measure
    return int(
        page.evaluate(
            "() => document.documentElement.scrollWidth - document.documentElement.clientWidth"
        )
    )


ALLOWS_ALL, BLOCKS_THIRD_PARTIES = {"cookie_controls_mode": 0}, {"cookie_controls_mode": 1}


def no_cookies_of(tool: str, *, inside: str) -> dict[str, Any]:
    """The word of an owner who forbids all cookies of the tool inside the LMS: partitioned ones
    too, and with them every storage of a page there. In a window of its own the tool is free.
    """
    site, around = (urlsplit(each).hostname or "" for each in (tool, inside))
    exceptions = {f"[*.]{site},{around}": {"setting": 2}}
    return {"content_settings": {"exceptions": {"cookies": exceptions}}}


@contextmanager
def profile(
    browser: Browser, folder: Path, preferences: dict[str, Any], *more: str, **options: Any
) -> Iterator[BrowserContext]:
    """A browser with these preferences, as people set them, and a small window."""
    (folder / "Default").mkdir(parents=True)
    (folder / "Default" / "Preferences").write_text(json.dumps({"profile": preferences}))
    context = browser.browser_type.launch_persistent_context(
        str(folder),
        executable_path=chromium(),
        args=[*ARGUMENTS, *more],
        viewport={"width": 400, "height": 800},
        **options,
    )
    context.set_default_timeout(30_000)
    try:
        yield context
    finally:
        context.close()
