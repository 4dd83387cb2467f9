"""Names that people and programs gave to files and courses, as any list can show them (pure)."""

import re
from pathlib import PurePosixPath

_UNSHOWN = re.compile("[\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")
"""What no database, list or header can hold, and what turns the text around it."""


def on_one_line(text: str, most: int) -> str:
    """The text on one line, printable, and of so many characters at most."""
    return " ".join(_UNSHOWN.sub(" ", text).split())[:most].strip()


def file_name(said: str, most: int) -> str:
    """The name of a file without the folders it came from; of a long one the end, with its kind."""
    last = PurePosixPath(said.replace("\\", "/")).name
    return on_one_line(last, len(last))[-most:].strip()
