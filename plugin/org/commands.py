"""The command line of organizations, units and people."""

from typing import BinaryIO

import click

from plugin.core import clock
from plugin.core.context import storage
from plugin.core.db import transaction
from plugin.org import actions, queries
from plugin.org.models import MembershipSource, UnitKind
from plugin.web.roles import Role

ORGANIZATION = click.option(
    "--organization", "slug", required=True, help="The organization's short name."
)
KINDS = click.Choice([kind.value for kind in UnitKind])


@click.group()
def org() -> None:
    """Organizations (customers)."""


@org.command("create")
@click.option("--name", required=True)
@click.option("--slug", required=True, help="Short name: small letters, digits, hyphens.")
@click.option("--time-zone", default="UTC", show_default=True)
@click.option("--locale", default="en", show_default=True)
def create_organization(name: str, slug: str, time_zone: str, locale: str) -> None:
    """Create an organization and print the install code of its first admin.

    Example: plugin org create --name "Harbour Works" --slug harbour --time-zone Europe/London
    """
    now = clock.now()
    with transaction() as tx:
        organization = actions.create_organization(
            tx.session, name=name, slug=slug, time_zone=time_zone, locale=locale, now=now
        )
        code = actions.create_install_code(tx.session, organization, now=now)
    click.echo(f"Created {slug}.")
    click.echo(f"Install code for the first admin (one use, 14 days): {code}")


@org.command("install-code")
@ORGANIZATION
def install_code(slug: str) -> None:
    """Print a new one-time install code.

    Example: plugin org install-code --organization harbour
    """
    with transaction() as tx:
        organization = queries.organization_by_slug(tx.session, slug)
        code = actions.create_install_code(tx.session, organization, now=clock.now())
    click.echo(code)


@org.command("logo")
@ORGANIZATION
@click.argument("picture", type=click.File("rb"))
def logo(slug: str, picture: BinaryIO) -> None:
    """Show this picture (PNG or JPEG) on certificates.

    Example: plugin org logo --organization harbour logo.png
    """
    with transaction() as tx:
        organization = queries.organization_by_slug(tx.session, slug)
        actions.set_logo(tx.session, organization, storage(), picture.read(), now=clock.now())
    click.echo("The logo is set.")


@click.group()
def unit() -> None:
    """Groups, sites and regions."""


@unit.command("create")
@ORGANIZATION
@click.option("--kind", type=KINDS, required=True)
@click.option("--name", required=True)
@click.option("--code", help="ID code: what the LMS or HR system calls it.")
@click.option("--region", "region_code", help="ID code of the region a site lies in.")
@click.option("--time-zone", help="IANA time zone; default: the organization's.")
def create_unit(
    slug: str,
    kind: str,
    name: str,
    code: str | None,
    region_code: str | None,
    time_zone: str | None,
) -> None:
    """Create a unit.

    Example: plugin unit create --organization harbour --kind site --name "North Quay" --code NQ
    """
    with transaction() as tx:
        session = tx.session
        organization = queries.organization_by_slug(session, slug)
        region = (
            queries.unit_by_code(session, organization.id, UnitKind.REGION, region_code)
            if region_code
            else None
        )
        created = actions.create_unit(
            session,
            organization.id,
            kind=UnitKind(kind),
            name=name,
            id_code=code,
            time_zone=time_zone,
            region=region,
            by=None,
            now=clock.now(),
        )
        click.echo(f"Created {kind} {created.id}.")


@click.group()
def person() -> None:
    """People, their units and their rights."""


@person.command("create")
@ORGANIZATION
@click.option("--name", required=True)
@click.option("--email")
@click.option("--employee-id")
def create_person(slug: str, name: str, email: str | None, employee_id: str | None) -> None:
    """Create a person who has not launched yet.

    Example: plugin person create --organization harbour --name "Ada Byron" --email ada@example.org
    """
    with transaction() as tx:
        organization = queries.organization_by_slug(tx.session, slug)
        created = actions.create_person(
            tx.session,
            organization.id,
            full_name=name,
            email=email,
            employee_id=employee_id,
            by=None,
            now=clock.now(),
        )
        tx.session.flush()
        click.echo(f"Created person {created.id}.")


@person.command("join")
@ORGANIZATION
@click.option("--email", required=True)
@click.option("--kind", type=KINDS, required=True)
@click.option("--code", required=True, help="ID code of the unit.")
def join(slug: str, email: str, kind: str, code: str) -> None:
    """Put a person into a unit, from now on.

    Example: plugin person join --organization harbour --email ada@example.org --kind site --code NQ
    """
    with transaction() as tx:
        organization = queries.organization_by_slug(tx.session, slug)
        found = queries.person_by_email(tx.session, organization.id, email)
        into = queries.unit_by_code(tx.session, organization.id, UnitKind(kind), code)
        actions.add_member(
            tx, into, found, source=MembershipSource.MANUAL, by=None, now=clock.now()
        )
    click.echo("Joined.")


@person.command("grant")
@ORGANIZATION
@click.option("--email", required=True)
@click.option("--role", type=click.Choice(["admin", "manager"]), required=True)
@click.option("--kind", type=KINDS, help="Kind of the unit a manager gets.")
@click.option("--code", help="ID code of the unit a manager gets.")
def give_grant(slug: str, email: str, role: str, kind: str | None, code: str | None) -> None:
    """Make a person an admin, or the manager of a unit.

    Example: plugin person grant --organization harbour --email ada@example.org --role admin
    """
    with transaction() as tx:
        organization = queries.organization_by_slug(tx.session, slug)
        found = queries.person_by_email(tx.session, organization.id, email)
        of_unit = (
            queries.unit_by_code(tx.session, organization.id, UnitKind(kind), code)
            if kind and code
            else None
        )
        actions.grant(tx.session, found, Role(role), unit=of_unit, by=None, now=clock.now())
    click.echo("Granted.")
