"""The demo: everything on this machine, in one command, and everything gone with Ctrl-C."""

import contextlib
import fcntl
import json
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from types import FrameType
from typing import TextIO

from plugin.app import create_app
from plugin.core import embedded, migrate
from plugin.core.embedded import Embedded
from plugin.core.settings import Environment, Settings
from sandbox import demo_organization, tool
from sandbox.children import Child, ChildError, Family
from sandbox.cookies import NoCookies
from sandbox.maker_lti import Notebook, Platform
from sandbox.serve import refuse_production

READY_SECONDS = 60.0
EX_USAGE = 2
LAST_PORT = 65535
MADE_BY_US = (
    "demo.db*",
    "campus.json",
    "clock.json",
    "secrets.json",
    "files",
    "lms",
    "log",
    "maker",
    "maker.json",
    "no-cookies",
    "queue",
)


class DemoError(Exception):
    """The demo cannot start; the message says why and what to do."""


class TakenError(DemoError):
    """Somebody else uses what the demo needs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Places:
    """Where the demo listens and what it keeps."""

    folder: Path
    port: int = 8700
    lms_port: int = 8701
    smtp_port: int = 8725
    maker_port: int = 8702

    @property
    def lms_url(self) -> str:
        return f"http://127.0.0.1:{self.lms_port}"

    @property
    def maker_url(self) -> str:
        """The external tool is a site of its own for browsers."""
        return f"http://quiz.localhost:{self.maker_port}"

    @property
    def maker_keys_url(self) -> str:
        """What the product's server reaches without asking a name server."""
        return f"http://127.0.0.1:{self.maker_port}"


def run(places: Places, *, reset: bool) -> int:
    """Prepare, start, wait for Ctrl-C, stop; the exit code."""
    refuse_production()
    stopping = _stop_signals()
    try:
        _check_ports(places)
        with _alone(places.folder):
            if reset or not _campus_file(places).exists():
                forget(places.folder)
            _supervise(places, stopping)
    except TakenError as error:
        print(error, file=sys.stderr)
        return EX_USAGE
    except (DemoError, ChildError, demo_organization.CourseMissingError) as error:
        print(error, file=sys.stderr)
        return 1
    print("\nStopped. `make demo` goes on where you left; `make demo-reset` starts over.")
    return 0


def command(places: Places, words: Sequence[str]) -> int:
    """Does a command of the product on the demo's data, with or without a demo running."""
    refuse_production()
    if not _campus_file(places).exists():
        print(f"There is no demo in {places.folder}: run `plugin demo` first.", file=sys.stderr)
        return EX_USAGE
    environment = environment_of(settings_of(places, redis_url=""))
    called = [sys.executable, "-m", "plugin.cli", *words]
    done = subprocess.run(called, env=environment, check=False)  # noqa: S603 - our own program
    return done.returncode


def forget(folder: Path) -> None:
    """What the demo keeps in this folder is gone; what others keep there stays."""
    for pattern in MADE_BY_US:
        for path in folder.glob(pattern):
            if path.is_dir():
                shutil.rmtree(path)
            else:
                path.unlink()


def _supervise(places: Places, stopping: list[int]) -> None:
    queue = _queue(places)
    family: Family | None = None
    try:
        settings = settings_of(places, queue.url)
        _prepare(places, settings)
        family = Family(
            _children(places, settings), _environment(places, settings), places.folder / "log"
        )
        family.start()
        _wait_until_ready(places, family, stopping)
        if not stopping:
            _welcome(places, settings, queue)
        while not stopping:
            time.sleep(0.3)
            family.restart_the_dead()
            if not queue.is_alive():
                queue = _queue_again(places, settings)
    finally:
        if family is not None:
            family.stop()
        queue.stop()


def _queue(places: Places) -> Embedded:
    given = os.environ.get("PLUGIN_REDIS_URL", "")
    return embedded.start(places.folder / "queue", given_url=given)


def _queue_again(places: Places, settings: Settings) -> Embedded:
    """The queue where everybody looks for it; work that it lost is in the database."""
    queue = _queue(places)
    if queue.url != settings.redis_url:
        log = places.folder / "queue" / "queue.log"
        raise DemoError(f"The queue ended and does not start again: see {log}")
    return queue


def _stop_signals() -> list[int]:
    """A list that is filled when somebody wants us to stop, or closes the terminal."""
    stopping: list[int] = []

    def stop(number: int, _frame: FrameType | None) -> None:
        stopping.append(number)

    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, stop)
    return stopping


@contextlib.contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """No other demo uses this folder meanwhile, on whichever ports."""
    with _lock_file(folder) as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise TakenError(
                f"Another demo runs with the data in {folder}. Stop it, or choose another "
                "folder: plugin demo --folder var2"
            ) from None
        yield


def _lock_file(folder: Path) -> TextIO:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        return (folder / "lock").open("w")
    except OSError as error:
        raise TakenError(
            f"The demo cannot keep its data in {folder} ({error.strerror}). Choose another "
            "folder: plugin demo --folder var2"
        ) from None


def settings_of(places: Places, redis_url: str) -> Settings:
    """The demo's settings; its secrets are made once and kept in the folder."""
    kept = places.folder / "secrets.json"
    if not kept.exists():
        kept.touch(mode=0o600)
        made = {name: secrets.token_urlsafe(36) for name in ("secret_key", "encryption_key")}
        kept.write_text(json.dumps(made), encoding="utf-8")
    said = json.loads(kept.read_text(encoding="utf-8"))
    return Settings(
        env=Environment.DEMO,
        tool_url=f"http://localhost:{places.port}",
        content_url=f"http://content.localhost:{places.port}",
        database_url=f"sqlite:///{places.folder.resolve() / 'demo.db'}",
        redis_url=redis_url,
        storage_dir=str(places.folder.resolve() / "files"),
        outgoing_allow=f"127.0.0.1:{places.lms_port},127.0.0.1:{places.maker_port}",
        mail_host="127.0.0.1",
        mail_port=places.smtp_port,
        mail_tls="none",
        mail_sender="training@northwind.example",
        demo_clock=str(_clock_file(places)),
        **said,
    ).checked()


def environment_of(settings: Settings) -> dict[str, str]:
    """The environment variables a process of the product reads these settings from."""
    said = {
        f"PLUGIN_{each.name.upper()}": getattr(settings, each.name) for each in fields(settings)
    }
    others = {name: value for name, value in os.environ.items() if not name.startswith("PLUGIN_")}
    return {
        **others,
        **{
            name: str(int(value) if isinstance(value, bool) else value)
            for name, value in said.items()
        },
    }


def _campus_file(places: Places) -> Path:
    """What the LMS knows of the tool; written last, when everything is prepared."""
    return places.folder / "campus.json"


def _clock_file(places: Places) -> Path:
    """Says how far the demo's clock is ahead; every process of the demo follows it."""
    return places.folder.resolve() / "clock.json"


def _cookies_file(places: Places) -> Path:
    """While it is there, the tool keeps no cookie in a frame."""
    return places.folder.resolve() / "no-cookies"


def _environment(places: Places, settings: Settings) -> dict[str, str]:
    return {**environment_of(settings), tool.SWITCH: str(_cookies_file(places))}


def _prepare(places: Places, settings: Settings) -> None:
    print("Preparing the database and the demo organization ...", flush=True)
    migrate.upgrade(settings.sqlalchemy_url)
    app = create_app(settings)
    with app.app_context():
        known = demo_organization.load(places.lms_url, places.maker_url, places.maker_keys_url)
    campus = {
        "url": places.lms_url,
        "folder": str(places.folder.resolve() / "lms"),
        "tool": asdict(known.tool),
        "tool_origin": settings.tool_url,
        "clock": settings.demo_clock,
        "database_url": settings.sqlalchemy_url,
        "cookies": str(_cookies_file(places)),
    }
    NoCookies(_cookies_file(places)).switch(on=False)
    _write_workshop(places, settings, known.platform)
    _campus_file(places).write_text(json.dumps(campus), encoding="utf-8")


def _write_workshop(places: Places, settings: Settings, platform: Platform) -> None:
    """What the external tool knows of the product."""
    folder = places.folder.resolve() / "maker"
    workshop = {
        "url": places.maker_url,
        "keys_url": places.maker_keys_url,
        "folder": str(folder),
        "platform_url": settings.tool_url,
        "clock": settings.demo_clock,
    }
    _workshop_file(places).write_text(json.dumps(workshop), encoding="utf-8")
    Notebook(folder / "platforms.json").keep(platform)


def _workshop_file(places: Places) -> Path:
    return places.folder / "maker.json"


def _children(places: Places, settings: Settings) -> list[Child]:
    plugin = [sys.executable, "-m", "plugin.cli"]
    campus = str(_campus_file(places))
    children = [
        Child("lms", [sys.executable, "-m", "sandbox.serve", campus, str(places.smtp_port)]),
        Child("maker", [sys.executable, "-m", "sandbox.maker", str(_workshop_file(places))]),
        Child("web", [sys.executable, "-m", "sandbox.tool", str(places.port)]),
        Child("dispatcher", [*plugin, "dispatcher"]),
    ]
    if settings.redis_url:
        children.append(Child("worker", [*plugin, "worker"]))
    return children


def _wait_until_ready(places: Places, family: Family, stopping: list[int]) -> None:
    end = time.monotonic() + READY_SECONDS
    addresses = [f"http://127.0.0.1:{places.port}/readyz", f"{places.lms_url}/"]
    addresses.append(f"{places.maker_keys_url}/jwks")
    while not stopping and not all(_answers(address) for address in addresses):
        family.refuse_the_dead()
        if time.monotonic() > end:
            raise DemoError(f"The demo did not become ready: see {family.logs}")
        time.sleep(0.1)


def _answers(address: str) -> bool:
    try:
        with urllib.request.urlopen(address, timeout=2) as answer:  # noqa: S310 - our own address
            return bool(answer.status == 200)  # noqa: PLR2004
    except (urllib.error.URLError, OSError):
        return False


def _welcome(places: Places, settings: Settings, queue: Embedded) -> None:
    elsewhere = "" if places.folder == Path("var") else f" --folder {places.folder}"
    print(
        f"""
The demo is ready:  {places.lms_url}

  1. Sign in as Lars and open "My safety training": his modules, in the frame of the LMS.
  2. Start "Working at height", read it and pass its quiz (80 %): the certificate reads VALID.
  3. Open the inbox ({places.lms_url}/inbox): the mail with the PDF, whose QR code leads to
     the verify page.
  4. Be Astrid and open "Training administration": units, training configurations, modules, and
     under Organization, LMSs, what this LMS lets the tool do.
  5. Be Marco, who teaches: "Add content from the tool" puts training into the course, and
     "Grades" is the gradebook the tool writes to.
  6. Be Lars again and open "Yard rules" below his training: a document to read and acknowledge.
  7. "First aid" takes a certificate from elsewhere (any PDF or photo): submit one as Lars, be
     Astrid and decide about it under Overview, Certificates to check; Lars has a mail.
  8. "Fire extinguishers" is a quiz of somebody else's site, in a frame: its answer comes
     back as a score, and the module is complete. Astrid finds the tool, and what it said, under
     Modules, External tools.
  9. "Rescue practice" has sessions: as Astrid open Overview, Sessions, show the code of the one
     at Quay 2, type it as Lars, and confirm the list as Astrid.
  10. "Forklift test" is graded by a teacher in the LMS: as Marco choose it under "Add content from
     the tool" and grade Lars under "Grades"; two minutes later Lars opens his training and,
     after a moment, finds it complete.
  11. As Astrid under "Courses" copy Safety 101 and open its training there: under Organization,
     LMSs, Northwind campus the copy waits to be looked at. "Behaviour" makes the LMS strict, slow,
     like another make, or takes the tool's cookies away.
  12. "Clock" moves the demo by days: to a reminder, over a last day, and see what becomes of it.

`.venv/bin/plugin demo{elsewhere} lms list --organization northwind` does a command on its data.
Work is queued in {queue.mode}; data and logs are in {places.folder}.
The tool itself listens at {settings.tool_url}. Ctrl-C stops everything.
""",
        flush=True,
    )


def _check_ports(places: Places) -> None:
    """Each part has a free port of its own."""
    seen = set[int]()
    for option in ("port", "lms_port", "smtp_port", "maker_port"):
        port = getattr(places, option)
        if port in seen or not _is_free(port):
            other = port + 100 if port + 100 <= LAST_PORT else port - 100
            why = "asked for twice:" if port in seen else "in use. Stop what uses it, or"
            name = option.replace("_", "-")
            raise TakenError(f"Port {port} is {why} choose another: plugin demo --{name} {other}")
        seen.add(port)


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True
