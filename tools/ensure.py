"""Make sure that the servers and the browser of the tests are here: use, install, or say so."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Need:
    """Something outside Python: how to see it, and what package brings it."""

    present: Callable[[], bool]
    debian: str
    homebrew: str


def _on_path(*names: str) -> Callable[[], bool]:
    return lambda: any(shutil.which(name) for name in names)


def _chromium() -> bool:
    mac = Path("/Applications/Google Chrome.app/Contents/MacOS/Google Chrome")
    names = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
    return bool(os.environ.get("CHROMIUM")) or _on_path(*names)() or mac.exists()


def _postgresql() -> bool:
    found = [*Path("/usr/lib/postgresql").glob("*/bin/initdb")]
    return bool(found) or _on_path("initdb")()


NEEDS = {
    "chromium": Need(_chromium, "chromium", "--cask chromium"),
    "postgresql": Need(_postgresql, "postgresql", "postgresql@16"),
    "redis": Need(_on_path("redis-server", "valkey-server"), "redis-server", "redis"),
}


def main(names: list[str]) -> None:
    """Every named need is met afterwards, or one line says what is missing and the exit is 1."""
    missing = [name for name in names if not NEEDS[name].present()]
    if missing:
        _install(missing)
    still = [name for name in names if not NEEDS[name].present()]
    if still:
        sys.exit(f"Missing for the tests: {', '.join(still)}. Install them and try again.")


def _install(missing: list[str]) -> None:
    if shutil.which("apt-get") and os.geteuid() == 0:
        packages = [NEEDS[name].debian for name in missing]
        quiet = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
        for command in (
            ["apt-get", "update", "-qq"],
            ["apt-get", "install", "-y", "-qq", *packages],
        ):
            subprocess.run(command, check=False, env=quiet, stdout=subprocess.DEVNULL)
    elif shutil.which("brew"):
        for name in missing:
            command = ["brew", "install", "--quiet", *NEEDS[name].homebrew.split()]
            subprocess.run(command, check=False)


if __name__ == "__main__":
    main(sys.argv[1:])
