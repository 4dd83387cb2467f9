"""A package of 2 GB, checked and unpacked: how long it takes, and what memory this process grew by.

The zip holds films that do not compress and thousands of small pages, as real courses do.

Run: python -m benchmarks.packages [megabytes]
"""

import os
import platform
import resource
import sys
import tempfile
import time
import zipfile
from pathlib import Path

from plugin.scorm.package import MEGABYTE, Limits, unpack
from tests.support.packages import manifest

MEGABYTES = 2000
FILMS, PAGES = 20, 3000
KILOBYTE = 1024


def main() -> None:
    """Build, unpack, say."""
    megabytes = int(sys.argv[1]) if len(sys.argv) > 1 else MEGABYTES
    with tempfile.TemporaryDirectory() as folder:
        path = build(Path(folder) / "course.zip", megabytes)
        before, began = _memory(), time.perf_counter()
        with path.open("rb") as source:
            found = unpack(
                source,
                Path(folder) / "out",
                limits=Limits(total=2 * megabytes * MEGABYTE),
                on_progress=lambda _percent: None,
            )
        seconds = time.perf_counter() - began
        grown = (_memory() - before) / KILOBYTE
        print(f"{platform.node()}: {megabytes} MB, {FILMS + PAGES + 2} files")
        print(f"usable: {found.is_usable}")
        print(f"{seconds:.1f} s, {megabytes / seconds:.0f} MB/s, memory grew by {grown:.1f} MB")


def build(path: Path, megabytes: int) -> Path:
    """A zip of about this many megabytes."""
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("imsmanifest.xml", manifest())
        archive.writestr("index.html", "<!doctype html><title>Course</title>")
        for number in range(PAGES):
            page = f"<p>{number}</p>" * 200
            archive.writestr(f"pages/{number}.html", page, zipfile.ZIP_DEFLATED)
        for number in range(FILMS):
            with archive.open(f"media/{number}.mp4", "w", force_zip64=True) as film:
                for _ in range(max(1, megabytes // FILMS)):
                    film.write(os.urandom(MEGABYTE))
    return path


def _memory() -> int:
    """The most this process ever held, in KB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


if __name__ == "__main__":
    main()
