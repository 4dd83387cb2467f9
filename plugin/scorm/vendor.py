"""The browser's SCORM runtime: which version, which bytes, and whether they are here."""

import base64
import hashlib

from plugin.core.errors import SettingError
from plugin.core.paths import STATIC

VERSION = "3.4.3"
FOLDER = STATIC / "vendor" / "scorm-again" / VERSION
RUNTIME_12 = "scorm12.min.js"
RUNTIME_2004 = "scorm2004.min.js"
INTEGRITY = {
    RUNTIME_12: "sha384-nivp7W92oneUlpJ17I8vtc8pSzpBcAtAQvEecRS/sGMJcdpCTRJtcc1K2m9LAv9L",
    RUNTIME_2004: "sha384-uBrTkMxc1Zy42ph/E8mGZWmLePyVvoyo54kpEqLArux1qI4HxRlku3hK3RWl8A1u",
}


def check() -> None:
    """The runtime is here, byte for byte; raises SettingError with what to do."""
    for name, expected in INTEGRITY.items():
        path = FOLDER / name
        if not path.is_file():
            raise SettingError(f"the player's file {name} is missing; run `make assets`")
        digest = base64.b64encode(hashlib.sha384(path.read_bytes()).digest()).decode()
        if f"sha384-{digest}" != expected:
            raise SettingError(f"the player's file {name} was changed; run `make assets` again")


def address(name: str) -> str:
    """Where below `static/` a runtime file lies."""
    return f"vendor/scorm-again/{VERSION}/{name}"
