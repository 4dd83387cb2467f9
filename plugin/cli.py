"""The command line: `plugin --help`."""

import functools
import importlib
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click
from flask import Flask
from granian.constants import Interfaces
from granian.server import Server

from plugin.app import create_app
from plugin.assign.commands import configuration
from plugin.certs.commands import certificate
from plugin.core import log, migrate
from plugin.core.errors import PluginError, SettingError
from plugin.core.settings import Settings
from plugin.jobs.commands import dispatcher, reconcile, worker
from plugin.lti.tool.commands import lms
from plugin.notify.commands import mail
from plugin.org.commands import org, person, unit
from plugin.scorm.commands import module

PORT = click.IntRange(1, 65535)


@click.group()
@click.version_option(package_name="module-assignment")
def plugin() -> None:
    """Training assigned to the right people, kept valid, and provable."""


@plugin.command()
def upgrade() -> None:
    """Bring the database to the shape this version needs.

    Example: plugin upgrade
    """
    migrate.upgrade(Settings.from_env().sqlalchemy_url)
    click.echo("The database is up to date.")


@plugin.command()
@click.option("--host", default="127.0.0.1", show_default=True)
@click.option("--port", type=PORT, default=8700, show_default=True)
@click.option("--workers", default=os.cpu_count() or 1, show_default=True, help="Processes.")
@click.option("--threads", default=2, show_default=True, help="Threads of each process.")
def serve(host: str, port: int, workers: int, threads: int) -> None:
    """Serve the web pages (put a proxy with TLS in front).

    Example: plugin serve --host 0.0.0.0 --port 8700
    """
    Settings.from_env()
    Server(
        "plugin.wsgi:app",
        address=host,
        port=port,
        interface=Interfaces.WSGI,
        workers=workers,
        blocking_threads=threads,
        respawn_failed_workers=True,  # one that is killed does not take the others with it
        workers_kill_timeout=30,  # seconds; else one that hangs keeps the rest from ending
    ).serve()


@plugin.command(context_settings={"allow_interspersed_args": False})
@click.option("--reset", is_flag=True, help="Forget what the demo has stored and start over.")
@click.option("--folder", default="var", show_default=True, help="Where the demo keeps its data.")
@click.option("--port", type=PORT, default=8700, show_default=True, help="Port of the tool.")
@click.option(
    "--lms-port", type=PORT, default=8701, show_default=True, help="Port of the small LMS."
)
@click.option(
    "--smtp-port", type=PORT, default=8725, show_default=True, help="Port of the mail server."
)
@click.option(
    "--maker-port", type=PORT, default=8702, show_default=True, help="Port of the external tool."
)
@click.argument("words", nargs=-1, type=click.UNPROCESSED, metavar="[COMMAND ...]")
def demo(reset: bool, folder: str, words: tuple[str, ...], **ports: int) -> None:
    """Run the product with a small LMS, an external tool and a mail inbox beside it, until Ctrl-C.

    With a COMMAND: do that on the demo's data instead.

    Examples: plugin demo --reset, plugin demo lms list --organization northwind
    """
    sandbox = importlib.import_module("sandbox.demo")  # above us in the house: only when asked for
    places = sandbox.Places(folder=Path(folder), **ports)
    sys.exit(sandbox.command(places, words) if words else sandbox.run(places, reset=reset))


def in_app(command: click.Command) -> click.Command:
    """The command, and every command below it, runs with the product's app around it."""
    if isinstance(command, click.Group):
        for each in command.commands.values():
            in_app(each)
    elif command.callback is not None:
        command.callback = _around(command.callback)
    return command


def _around(callback: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(callback)
    def run(*args: Any, **kwargs: Any) -> Any:
        given = click.get_current_context().obj
        app = given if isinstance(given, Flask) else create_app(Settings.from_env())
        with app.app_context():
            return callback(*args, **kwargs)

    return run


COMMANDS = (
    *(dispatcher, worker, reconcile),
    *(org, unit, person, configuration, certificate, lms, mail, module),
)
for _command in COMMANDS:
    plugin.add_command(in_app(_command))


def main() -> None:
    """Run the command line; refusals become one sentence and exit code 2."""
    try:
        log.configure("WARNING")
        plugin()
    except SettingError as error:
        click.echo(f"Cannot start: {error}.", err=True)
        sys.exit(2)
    except PluginError as error:
        click.echo(f"{error.code}: {error.message}", err=True)
        sys.exit(2)


if __name__ == "__main__":
    main()
