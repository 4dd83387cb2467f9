"""The command line of certificates."""

from collections.abc import Callable
from typing import Any, TypeVar

import click
from sqlalchemy.orm import Session

from plugin.certs import actions, queries
from plugin.certs.models import Certificate
from plugin.core import clock
from plugin.core.db import transaction
from plugin.org import queries as org_queries

F = TypeVar("F", bound=Callable[..., Any])


def about(command: F) -> F:
    """Which certificate, and why."""
    for option in (
        click.option("--reason", required=True, help="Kept with the certificate; never shown."),
        click.option("--credential", required=True, help="The credential ID, as printed."),
        click.option(
            "--organization", "slug", required=True, help="The organization's short name."
        ),
    ):
        command = option(command)
    return command


@click.group()
def certificate() -> None:
    """Certificates: revoke, suspend, lift a suspension."""


@certificate.command()
@about
def revoke(slug: str, credential: str, reason: str) -> None:
    """Make a certificate worthless for good.

    Example: plugin certificate revoke --organization harbour --credential H-4KD8-71QX
    --reason fraud
    """
    with transaction() as tx:
        found = _certificate(tx.session, slug, credential)
        actions.revoke(tx, found, by=None, reason=reason, now=clock.now())
    click.echo("The certificate is revoked.")


@certificate.command()
@about
def suspend(slug: str, credential: str, reason: str) -> None:
    """Make a certificate worthless until this is lifted.

    Example: plugin certificate suspend --organization harbour --credential H-4KD8-71QX
    --reason inquiry
    """
    with transaction() as tx:
        found = _certificate(tx.session, slug, credential)
        actions.suspend(tx, found, by=None, reason=reason, now=clock.now())
    click.echo("The certificate is suspended.")


@certificate.command()
@about
def lift(slug: str, credential: str, reason: str) -> None:
    """End a suspension; the facts decide again.

    Example: plugin certificate lift --organization harbour --credential H-4KD8-71QX
    --reason cleared
    """
    with transaction() as tx:
        found = _certificate(tx.session, slug, credential)
        actions.lift(tx, found, by=None, reason=reason, now=clock.now())
    click.echo("The suspension is lifted.")


def _certificate(session: Session, slug: str, credential: str) -> Certificate:
    organization = org_queries.organization_by_slug(session, slug)
    return queries.certificate_by_credential(session, organization.id, credential)
