"""The process of the tool in the demo: the product, behind a door that can take cookies away."""

import importlib
import os
import sys
from pathlib import Path

from granian.constants import Interfaces
from granian.server import Server

from sandbox.cookies import Application, NoCookies, behind_the_door

SWITCH = "SANDBOX_NO_COOKIES"
"""The environment variable that names the switch's file."""
PROCESSES, THREADS = 2, 4


def create() -> Application:
    """What each process serves."""
    product: Application = importlib.import_module("plugin.wsgi").app
    return behind_the_door(product, NoCookies(Path(os.environ[SWITCH])))


def main(words: list[str]) -> None:
    """`python -m sandbox.tool PORT` until told to stop."""
    Server(
        "sandbox.tool:create",
        factory=True,
        port=int(words[0]),
        interface=Interfaces.WSGI,
        workers=PROCESSES,
        blocking_threads=THREADS,
        workers_kill_timeout=5,  # seconds
    ).serve()


if __name__ == "__main__":
    main(sys.argv[1:])
