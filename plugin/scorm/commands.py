"""The command line of modules."""

import sys
from pathlib import Path

import click
from flask_babel import ngettext

from plugin.core.db import read_session
from plugin.org import queries as org_queries
from plugin.scorm import importing, queries, wording
from plugin.scorm.models import PackageState


@click.group()
def module() -> None:
    """Training modules."""


@module.command("import")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--organization", "slug", required=True, help="The organization's short name.")
@click.option("--title", default="", help="Default: the course's own title.")
@click.option("--module", "module_id", type=int, help="Number of the module this is a version of.")
@click.option(
    "--trust-status", is_flag=True, help="Of a new module: believe its status over its score."
)
def import_(
    file: Path, slug: str, title: str, module_id: int | None, *, trust_status: bool
) -> None:
    """Import a SCORM package as a new module, or as a new version of one.

    Example: plugin module import working-at-height.zip --organization harbour
    """
    if trust_status and module_id is not None:
        raise click.UsageError("--trust-status is for a new module; its page says it of this one.")
    organization_id = org_queries.organization_by_slug(read_session(), slug).id
    with file.open("rb") as source:
        package_id = importing.receive(
            source,
            organization_id,
            filename=file.name,
            title=title,
            module_id=module_id,
            trusts_status=trust_status,
            by=None,
        )
    importing.import_package(package_id)
    _report(organization_id, package_id)


def _report(organization_id: int, package_id: int) -> None:
    """Say what was found; the exit code is 1 when nothing was imported."""
    package = queries.package_of(read_session(), organization_id, package_id)
    for each in wording.sentences(package.findings):
        where = f" ({each.file})" if each.file else ""
        click.echo(f"{each.severity}: {each.text}{where}", err=each.is_error)
        if each.more:
            rest = ngettext("and %(num)d more", "and %(num)d more", each.more)
            click.echo(f"  {rest}", err=each.is_error)
    if package.state is PackageState.FAILED:
        click.echo("Nothing was imported.", err=True)
        sys.exit(1)
    if package.state is PackageState.IMPORTING:
        click.echo("A worker is importing the package.")
        return
    click.echo(f"Imported “{package.title}” as module {package.module_id}.")
