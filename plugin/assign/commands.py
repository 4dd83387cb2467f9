"""The command line of training configurations."""

import re
from collections.abc import Callable, Iterable, Sequence
from decimal import Decimal
from typing import Any, TypeVar

import click
from sqlalchemy.orm import Session

from plugin.assign import actions, drafting, listing, queries
from plugin.assign.draft import DraftRow
from plugin.assign.facts import RowStatus
from plugin.assign.forms import PERCENT, percent
from plugin.assign.models import Configuration
from plugin.core import clock
from plugin.core.db import Tx, read_session, transaction
from plugin.modules import catalogue
from plugin.org import queries as org_queries
from plugin.org.models import UnitKind

F = TypeVar("F", bound=Callable[..., Any])
ORGANIZATION = click.option(
    "--organization", "slug", required=True, help="The organization's short name."
)
NUMBER = click.argument("number", type=int)
_PART = re.compile(r"^(?P<value>\d+(\.\d+)?)(?P<what>[m%d])$")


def row_options(command: F) -> F:
    """--required, --optional and --hidden, each as often as there are modules."""
    said = "ID or title, then :12m (validity), :80% (pass mark), :14d (due) as needed."
    for status in reversed(RowStatus):
        command = click.option(
            f"--{status.value}", multiple=True, metavar="MODULE[:12m][:80%][:14d]", help=said
        )(command)
    return command


@click.group()
def configuration() -> None:
    """Training configurations: what a unit's members must and may do."""


@configuration.command("create")
@ORGANIZATION
@click.option("--kind", type=click.Choice([each.value for each in UnitKind]), required=True)
@click.option("--code", required=True, help="ID code of the unit.")
@click.option("--name", required=True, help="Printed on certificates.")
@row_options
@click.option("--certificate/--no-certificate", default=False, help="Issue certificates.")
def create(
    slug: str,
    kind: str,
    code: str,
    name: str,
    certificate: bool,
    required: tuple[str, ...],
    optional: tuple[str, ...],
    hidden: tuple[str, ...],
) -> None:
    """Create a configuration as a draft and print its number.

    Example: plugin configuration create --organization harbour --kind site --code NQ
    --name "Basic safety" --required "Working at height:12m:80%:14d" --certificate
    """
    with transaction() as tx:
        organization = org_queries.organization_by_slug(tx.session, slug)
        unit = org_queries.unit_by_code(tx.session, organization.id, UnitKind(kind), code)
        created = drafting.create_configuration(
            tx.session, unit, name=name, by=None, now=clock.now()
        )
        _save(tx, created, (required, optional, hidden), certificate)
        click.echo(f"Created configuration {created.id} as a draft.")


@configuration.command("publish")
@ORGANIZATION
@NUMBER
@row_options
@click.option("--certificate/--no-certificate", default=None, help="Default: as in the draft.")
@click.option("--reason", required=True, help="Kept with the version.")
@click.option(
    "--apply-to-existing",
    is_flag=True,
    help="Periods and pass marks also judge completions made before.",
)
def publish(
    slug: str,
    number: int,
    certificate: bool | None,
    reason: str,
    apply_to_existing: bool,
    required: tuple[str, ...],
    optional: tuple[str, ...],
    hidden: tuple[str, ...],
) -> None:
    """Publish the draft of configuration NUMBER; with rows, they replace the draft's first.

    Example: plugin configuration publish --organization harbour 7 --reason "New law"
    --required "Working at height:12m" --optional "Welcome"
    """
    with transaction() as tx:
        found = _configuration(tx.session, slug, number)
        _save(tx, found, (required, optional, hidden), certificate)
        version = actions.publish(
            tx,
            found,
            by=None,
            reason=reason,
            apply_to_existing=apply_to_existing,
            now=clock.now(),
        )
        click.echo(f"Version {version.number} is in force.")


@configuration.command("show")
@ORGANIZATION
@click.argument("number", type=int, required=False)
def show(slug: str, number: int | None) -> None:
    """List the configurations, or the draft of configuration NUMBER.

    Example: plugin configuration show --organization harbour 7
    """
    session = read_session()
    if number is None:
        organization = org_queries.organization_by_slug(session, slug)
        for each in listing.everywhere(session, organization.id):
            version = f"version {each.number}" if each.number else "not published"
            click.echo(f"{each.id}  {each.name}  ({each.unit_name}, {version})")
        return
    found = _configuration(session, slug, number)
    draft = queries.draft_of(session, found)
    version_now = queries.current_version(session, found)
    in_force = f"version {version_now.number}" if version_now else "not published"
    click.echo(f"{found.name}: {in_force}, certificate {'on' if draft.certificate_on else 'off'}")
    rows = [DraftRow.from_json(row) for row in draft.rows]
    titles = _titles(session, found.organization_id, rows)
    for row in rows:
        click.echo(f"  {row.status.value:8}  {titles[row.module_id]}{_spelled(row)}")


def _save(
    tx: Tx, found: Configuration, given: Sequence[Iterable[str]], certificate: bool | None
) -> None:
    draft = queries.draft_of(tx.session, found)
    rows = [
        _row(tx.session, found.organization_id, status, text)
        for status, texts in zip(RowStatus, given, strict=True)
        for text in texts
    ]
    if not rows and certificate is None:
        return
    drafting.save_draft(
        tx.session,
        found,
        rows or [DraftRow.from_json(row) for row in draft.rows],
        certificate_on=draft.certificate_on if certificate is None else certificate,
        revision=draft.revision,
        by=None,
        now=clock.now(),
    )


def _configuration(session: Session, slug: str, number: int) -> Configuration:
    organization = org_queries.organization_by_slug(session, slug)
    return queries.configuration_of(session, organization.id, number)


def _row(session: Session, organization_id: int, status: RowStatus, text: str) -> DraftRow:
    """Read `Title:12m:80%:14d`; a title may hold colons, so the parts are read from the end."""
    parts = text.split(":")
    values: dict[str, Decimal] = {}
    while len(parts) > 1 and (found := _PART.match(parts[-1].strip())):
        values[found["what"]] = Decimal(found["value"])
        parts.pop()
    mark = values.get("%")
    return DraftRow(
        module_id=_module(session, organization_id, ":".join(parts).strip()),
        status=status,
        validity_months=int(values["m"]) if "m" in values else None,
        pass_mark=None if mark is None else float(mark / PERCENT),
        due_days=int(values["d"]) if "d" in values else None,
    )


def _module(session: Session, organization_id: int, name: str) -> int:
    modules, _total = catalogue.to_choose(session, organization_id, name)
    found = [each.id for each in modules if name in {str(each.id), each.title}]
    if len(found) > 1:
        ids = ", ".join(str(each) for each in found)
        raise click.BadParameter(
            f"There is more than one published module {name!r}; use the ID: {ids}."
        )
    if not found:
        raise click.BadParameter(f"There is no published module {name!r}; use its ID.")
    return found[0]


def _titles(session: Session, organization_id: int, rows: Iterable[DraftRow]) -> dict[int, str]:
    also = [row.module_id for row in rows]
    found = catalogue.listed(session, organization_id, also)
    return {module.id: f"{module.title} (module {module.id})" for module in found}


def _spelled(row: DraftRow) -> str:
    parts = (
        f"{row.validity_months}m" if row.validity_months else "",
        f"{percent(row.pass_mark)}%" if row.pass_mark is not None else "",
        f"{row.due_days}d" if row.due_days else "",
    )
    return "".join(f":{part}" for part in parts if part)
