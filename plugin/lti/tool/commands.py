"""The command line of LMS registrations: `plugin lms --help`."""

from datetime import datetime, timedelta

import click
from sqlalchemy.orm import Session

from plugin.core import clock
from plugin.core.context import current_settings
from plugin.core.db import read_session, transaction
from plugin.lti.tool import actions, deployments, invitations, keys, queries
from plugin.lti.tool.addresses import invitation_address, tool_addresses
from plugin.lti.tool.models import Registration, RegistrationState
from plugin.lti.tool.profiles import INVITED, PROFILES
from plugin.org import queries as org_queries

UID = click.argument("uid")


@click.group()
def lms() -> None:
    """LMSs that may open the training."""


@lms.command("add")
@click.option("--name", required=True, help="What the LMS is called here.")
@click.option("--organization", "slug", required=True, help="The organization's short name.")
@click.option("--issuer", required=True, help="The LMS's issuer, letter by letter.")
@click.option("--client-id", required=True)
@click.option("--auth-url", required=True, help="Authentication request (OIDC) address.")
@click.option("--token-url", required=True, help="Access token address.")
@click.option("--jwks-url", required=True, help="Key set address.")
@click.option(
    "--deployment",
    "deployments",
    multiple=True,
    required=True,
    help="Deployment id; may be given several times.",
)
@click.option("--token-audience", help="If the LMS wants another audience than its token address.")
@click.option(
    "--extra-origin",
    "extra_origins",
    multiple=True,
    help="Further address that frames the tool, such as a vanity domain; may be repeated.",
)
@click.option(
    "--admins-by-role",
    is_flag=True,
    help="Administrators of the LMS become admins here at their first launch.",
)
def add(
    name: str,
    slug: str,
    issuer: str,
    client_id: str,
    auth_url: str,
    token_url: str,
    jwks_url: str,
    deployments: tuple[str, ...],
    token_audience: str | None,
    extra_origins: tuple[str, ...],
    admins_by_role: bool,
) -> None:
    """Register an LMS and print what it needs to know about us.

    Example: plugin lms add --name Moodle --organization harbour --issuer https://lms.example.org
    --client-id Gn4mOuYq8cHvUk0 --auth-url https://lms.example.org/mod/lti/auth.php --token-url
    https://lms.example.org/mod/lti/token.php --jwks-url
    https://lms.example.org/mod/lti/certs.php --deployment 1
    """
    with transaction() as tx:
        registration = actions.register(
            tx.session,
            org_queries.organization_by_slug(tx.session, slug).id,
            name=name,
            issuer=issuer,
            client_id=client_id,
            auth_url=auth_url,
            token_url=token_url,
            jwks_url=jwks_url,
            deployment_ids=deployments,
            admins_by_role=admins_by_role,
            encryption_key=current_settings().encryption_key,
            token_audience=token_audience,
            extra_origins=extra_origins,
            by=None,
            now=clock.now(),
        )
        _print_values(registration)


@lms.command("invite")
@click.option("--organization", "slug", required=True, help="The organization's short name.")
@click.option("--name", default="", help="What the LMS will be called here.")
@click.option(
    "--days", default=7, show_default=True, type=click.IntRange(1, 30), help="How long it works."
)
@click.option(
    "--admins-by-role",
    is_flag=True,
    help="Administrators of the LMS become admins here at their first launch.",
)
def invite(slug: str, name: str, days: int, admins_by_role: bool) -> None:
    """Print an address for an LMS to register itself with (dynamic registration), once.

    Example: plugin lms invite --organization harbour --admins-by-role
    """
    with transaction() as tx:
        invitation, token = invitations.invite(
            tx.session,
            org_queries.organization_by_slug(tx.session, slug).id,
            name=name,
            admins_by_role=admins_by_role,
            life=timedelta(days=days),
            by=None,
            now=clock.now(),
        )
        until = invitation.expires_at
    click.echo("Copy this address into the LMS, where a tool is added by its registration address:")
    click.echo(f"  {invitation_address(current_settings().tool_url, token)}")
    click.echo(f"It works once, until {until:%Y-%m-%d %H:%M} UTC. Where it goes:")
    for make in INVITED:
        click.echo(f"  {PROFILES[make].name}: {PROFILES[make].invited}")
    click.echo("Blackboard, Open edX and others are registered by hand: plugin lms add --help")


@lms.command("list")
@click.option("--organization", "slug", required=True, help="The organization's short name.")
def list_registrations(slug: str) -> None:
    """List the LMSs of an organization.

    Example: plugin lms list --organization harbour
    """
    with transaction() as tx:
        organization = org_queries.organization_by_slug(tx.session, slug)
        for line in queries.registrations(tx.session, organization.id):
            click.echo(f"{line.uid}  {line.state}  {line.name}  {line.issuer}  {line.client_id}")


@lms.command("show")
@UID
def show(uid: str) -> None:
    """Show an LMS and the values it needs.

    Example: plugin lms show 4f0cA1b2C3d4E5f6
    """
    with transaction() as tx:
        registration = queries.registration_by_uid(tx.session, uid)
        click.echo(f"Name: {registration.name}")
        click.echo(f"State: {registration.state}")
        click.echo(f"Issuer: {registration.issuer}")
        click.echo(f"Client id: {registration.client_id}")
        click.echo(f"Authentication address: {registration.auth_url}")
        click.echo(f"Token address: {registration.token_url}")
        click.echo(f"Key set address of the LMS: {registration.jwks_url}")
        for deployment_id in queries.deployments(tx.session, registration.id):
            click.echo(f"Deployment: {deployment_id}")
        admins = "yes" if registration.admins_by_role else "no"
        click.echo(f"LMS administrators become admins: {admins}")
        _print_keys(tx.session, registration)
        _print_values(registration)


@lms.command("disable")
@UID
def disable(uid: str) -> None:
    """Refuse launches from an LMS, from now on.

    Example: plugin lms disable 4f0cA1b2C3d4E5f6
    """
    _set_state(uid, RegistrationState.DISABLED)


@lms.command("enable")
@UID
def enable(uid: str) -> None:
    """Accept launches from an LMS again.

    Example: plugin lms enable 4f0cA1b2C3d4E5f6
    """
    _set_state(uid, RegistrationState.ACTIVE)


@lms.command("add-deployment")
@UID
@click.option("--deployment", "deployment_id", required=True, help="Deployment id as the LMS says.")
def add_deployment(uid: str, deployment_id: str) -> None:
    """Accept one more installation (deployment) of a registered LMS.

    Example: plugin lms add-deployment 4f0cA1b2C3d4E5f6 --deployment 2
    """
    with transaction() as tx:
        registration = queries.registration_by_uid(tx.session, uid)
        deployments.accept_deployment(
            tx.session, registration, deployment_id, by=None, now=clock.now()
        )
    click.echo(f"Deployment {deployment_id} is accepted.")


@lms.command("rotate-key")
@UID
def rotate_key(uid: str) -> None:
    """Sign with a new key from now on; the old one stays published for two days.

    Example: plugin lms rotate-key 4f0cA1b2C3d4E5f6
    """
    session = read_session()
    seen = keys.signing_key(session, queries.registration_by_uid(session, uid).id).kid
    with transaction() as tx:
        registration = queries.registration_by_uid(tx.session, uid)
        key = keys.rotate(
            tx.session,
            registration,
            instead_of=seen,
            encryption_key=current_settings().encryption_key,
            by=None,
            now=clock.now(),
        )
        click.echo(f"New key: {key.kid}")


def _set_state(uid: str, state: RegistrationState) -> None:
    with transaction() as tx:
        registration = queries.registration_by_uid(tx.session, uid)
        actions.set_state(tx.session, registration, state, by=None, now=clock.now())
    click.echo(f"{uid} is {state}.")


def _print_keys(session: Session, registration: Registration) -> None:
    theirs = registration.their_kid or "none yet"
    click.echo(f"Key of the LMS, last seen: {theirs}{_at(registration.their_kid_at)}")
    for key in queries.published_keys(session, registration.id, at=clock.now()):
        state = f"published until{_at(key.retired_at)}" if key.retired_at else "signs"
        read, proven = _at(key.fetched_at) or " never", _at(key.proven_at) or " never"
        click.echo(f"Our key: {key.kid}, {state}; last read:{read}, last accepted:{proven}")


def _at(moment: datetime | None) -> str:
    return f" {moment:%Y-%m-%d %H:%M} UTC" if moment else ""


def _print_values(registration: Registration) -> None:
    ours = tool_addresses(current_settings().tool_url, registration.uid)
    click.echo("")
    click.echo(f"Registration: {registration.uid}")
    click.echo("Copy these values into the LMS:")
    click.echo(f"  Tool URL (target link): {ours.launch}")
    click.echo(f"  Initiate login URL: {ours.login}")
    click.echo(f"  Redirection URI: {ours.launch}")
    click.echo(f"  Public key set URL: {ours.jwks}")
    click.echo(f"  Icon URL: {ours.icon}")
    click.echo(f"  Tool domain: {ours.domain}")
    click.echo("  LTI version: 1.3, public key type: key set URL")
    click.echo('  Share name and email: always; custom parameter for an admin link: "view=admin"')
