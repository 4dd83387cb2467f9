"""The command line: `plugin --help`."""

import sys

import click

from plugin.core import log, migrate
from plugin.core.errors import PluginError, SettingError
from plugin.core.settings import Settings


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
