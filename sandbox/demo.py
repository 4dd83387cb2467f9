"""The demo: everything on this machine, in one command, and everything gone with Ctrl-C."""

import contextlib
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
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from types import FrameType

from plugin.app import create_app
from plugin.core import embedded, migrate
from plugin.core.embedded import Embedded
from plugin.core.settings import Environment, Settings
from sandbox import demo_organization
from sandbox.serve import refuse_production

READY_SECONDS = 60.0
QUICK_DEATH_SECONDS = 2.0
STOP_SECONDS = 12.0
EX_USAGE = 2


class DemoError(Exception):
    """The demo cannot start; the message says why and what to do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Places:
    """Where the demo listens and what it keeps."""

    folder: Path
    port: int = 8700
    lms_port: int = 8701
    smtp_port: int = 8725

    @property
    def lms_url(self) -> str:
        return f"http://127.0.0.1:{self.lms_port}"


@dataclass(slots=True)
class Child:
    """One process of the demo."""

    name: str
    command: list[str]
    process: "subprocess.Popen[bytes] | None" = None
    started: float = 0.0


def run(places: Places, *, reset: bool) -> int:
    """Prepare, start, wait for Ctrl-C, stop; the exit code."""
    refuse_production()
    try:
        _check_ports(places)
        if reset:
            shutil.rmtree(places.folder, ignore_errors=True)
        places.folder.mkdir(parents=True, exist_ok=True)
        queue = embedded.start(
            places.folder / "queue", given_url=os.environ.get("PLUGIN_REDIS_URL", "")
        )
    except DemoError as error:
        print(error, file=sys.stderr)
        return EX_USAGE
    return _supervise(places, queue)


def _supervise(places: Places, queue: Embedded) -> int:
    children: list[Child] = []
    stopping: list[int] = []

    def stop(number: int, _frame: FrameType | None) -> None:
        stopping.append(number)

    signal.signal(signal.SIGINT, stop)
    signal.signal(signal.SIGTERM, stop)
    try:
        settings = settings_of(places, queue)
        _prepare(places, settings)
        children += _children(places, settings)
        for child in children:
            _start(places, settings, child)
        _wait_until_ready(places, settings, children, stopping)
        if not stopping:
            _welcome(places, settings, queue)
        while not stopping:
            time.sleep(0.3)
            _restart_the_dead(places, settings, children)
    except (DemoError, demo_organization.CourseMissingError) as error:
        print(error, file=sys.stderr)
        return 1
    finally:
        _stop(children)
        queue.stop()
    print("\nStopped. `make demo` goes on where you left; `make demo-reset` starts over.")
    return 0


def settings_of(places: Places, queue: Embedded) -> Settings:
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
        redis_url=queue.url,
        storage_dir=str(places.folder.resolve() / "files"),
        outgoing_allow=f"127.0.0.1:{places.lms_port}",
        mail_host="127.0.0.1",
        mail_port=places.smtp_port,
        mail_tls="none",
        mail_sender="training@northwind.example",
        **said,
    ).checked()


def environment_of(settings: Settings) -> dict[str, str]:
    """The environment variables a process of the product reads these settings from."""
    said = {
        f"PLUGIN_{each.name.upper()}": str(getattr(settings, each.name))
        for each in fields(settings)
        if not isinstance(getattr(settings, each.name), bool)
    }
    return {**os.environ, **said}


def _prepare(places: Places, settings: Settings) -> None:
    print("Preparing the database and the demo organization ...", flush=True)
    migrate.upgrade(settings.sqlalchemy_url)
    app = create_app(settings)
    with app.app_context():
        tool = demo_organization.load(places.lms_url)
    campus = {
        "url": places.lms_url,
        "folder": str(places.folder.resolve() / "lms"),
        "tool": asdict(tool),
        "tool_origin": settings.tool_url,
    }
    (places.folder / "campus.json").write_text(json.dumps(campus), encoding="utf-8")


def _children(places: Places, settings: Settings) -> list[Child]:
    plugin = [sys.executable, "-m", "plugin.cli"]
    campus = str(places.folder / "campus.json")
    serve = ["serve", "--port", str(places.port), "--workers", "2", "--threads", "4"]
    children = [
        Child("lms", [sys.executable, "-m", "sandbox.serve", campus, str(places.smtp_port)]),
        Child("web", [*plugin, *serve]),
        Child("dispatcher", [*plugin, "dispatcher"]),
    ]
    if settings.redis_url:
        children.append(Child("worker", [*plugin, "worker"]))
    return children


def _start(places: Places, settings: Settings, child: Child) -> None:
    logs = places.folder / "log"
    logs.mkdir(exist_ok=True)
    child.started = time.monotonic()
    with (logs / f"{child.name}.log").open("ab") as out:
        child.process = subprocess.Popen(  # noqa: S603 - our own programs
            child.command,
            env=environment_of(settings),
            stdout=out,
            stderr=out,
            start_new_session=True,
            preexec_fn=embedded.die_with_parent(),  # noqa: PLW1509 - no thread runs here
        )


def _restart_the_dead(places: Places, settings: Settings, children: list[Child]) -> None:
    for child in children:
        if child.process is None or child.process.poll() is None:
            continue
        if time.monotonic() - child.started < QUICK_DEATH_SECONDS:
            raise DemoError(
                f"{child.name} does not start: see {places.folder}/log/{child.name}.log"
            )
        _start(places, settings, child)


def _wait_until_ready(
    places: Places, settings: Settings, children: list[Child], stopping: list[int]
) -> None:
    end = time.monotonic() + READY_SECONDS
    addresses = [f"http://127.0.0.1:{places.port}/readyz", f"{places.lms_url}/"]
    while not stopping:
        if all(_answers(address) for address in addresses):
            return
        _restart_the_dead(places, settings, children)
        if time.monotonic() > end:
            raise DemoError(f"The demo did not become ready: see {places.folder}/log/")
        time.sleep(0.1)


def _answers(address: str) -> bool:
    try:
        with urllib.request.urlopen(address, timeout=2) as answer:  # noqa: S310 - our own address
            return bool(answer.status == 200)  # noqa: PLR2004
    except (urllib.error.URLError, OSError):
        return False


def _welcome(places: Places, settings: Settings, queue: Embedded) -> None:
    print(
        f"""
The demo is ready:  {places.lms_url}

  1. Sign in as Lars and open "My safety training": his modules, in the frame of the LMS.
  2. Start "Working at height", read it and pass its quiz (80 %): the certificate reads VALID.
  3. Open the inbox ({places.lms_url}/inbox): the mail with the PDF, whose QR code leads to
     the verify page.
  4. Be Astrid and open "Training administration": units, training configurations, modules.

Work is queued in {queue.mode}; data and logs are in {places.folder}.
The tool itself listens at {settings.tool_url}. Ctrl-C stops everything.
""",
        flush=True,
    )


def _stop(children: list[Child]) -> None:
    """End every child and what it started; nobody stays behind."""
    alive = [each.process for each in children if each.process is not None]
    for process in alive:
        _signal(process, signal.SIGTERM)
    end = time.monotonic() + STOP_SECONDS
    for process in alive:
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(timeout=max(0.1, end - time.monotonic()))
        _signal(process, signal.SIGKILL)
        process.wait()


def _signal(process: "subprocess.Popen[bytes]", number: signal.Signals) -> None:
    try:
        os.killpg(process.pid, number)
    except (ProcessLookupError, PermissionError):
        return


def _check_ports(places: Places) -> None:
    for option in ("port", "lms_port", "smtp_port"):
        port = getattr(places, option)
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                name = option.replace("_", "-")
                raise DemoError(
                    f"Port {port} is in use. Stop what uses it, or choose another: "
                    f"plugin demo --{name} {port + 100}"
                ) from None
