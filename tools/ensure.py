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


def _shell() -> bool:
    """A browser that was named, or is the system's own, is used for every test."""
    return bool(os.environ.get("CHROMIUM")) or not _chromium() or _on_path(SHELL)()


SHELL = "chromium-headless-shell"
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
    _install_if_there_is_one(SHELL, is_present=_shell())
    still = [name for name in names if not NEEDS[name].present()]
    if still:
        sys.exit(f"Missing for the tests: {', '.join(still)}. Install them and try again.")


def _install_if_there_is_one(package: str, *, is_present: bool) -> None:
    """What makes the tests quicker, and is not everywhere."""
    if is_present or not shutil.which("apt-get") or os.geteuid() != 0:
        return
    wanted = ["apt-get", "install", "-y", "-qq", package]
    if _quietly(wanted):
        _quietly(["apt-get", "update", "-qq"])
        _quietly(wanted)


def _install(missing: list[str]) -> None:
    if shutil.which("apt-get") and os.geteuid() == 0:
        packages = [NEEDS[name].debian for name in missing]
        _quietly(["apt-get", "update", "-qq"])
        _quietly(["apt-get", "install", "-y", "-qq", *packages])
    elif shutil.which("brew"):
        for name in missing:
            command = ["brew", "install", "--quiet", *NEEDS[name].homebrew.split()]
            subprocess.run(command, check=False)


def _quietly(command: list[str]) -> int:
    env = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    nowhere = subprocess.DEVNULL
    return subprocess.run(command, check=False, env=env, stdout=nowhere, stderr=nowhere).returncode


if __name__ == "__main__":
    main(sys.argv[1:])
