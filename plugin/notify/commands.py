"""The command line of mail: `plugin mail --help`."""

import sys
from typing import BinaryIO

import click
from sqlalchemy.exc import OperationalError

from plugin.core import clock
from plugin.core.db import read_session, transaction
from plugin.notify import bounce_actions, watch
from plugin.notify.bounces import UnknownFormError, from_notification
from plugin.notify.mail_models import AddressSource

MAX_BYTES = 10 * 1024 * 1024
TRY_AGAIN = 75
"""What a mail server understands as: not now, keep it (EX_TEMPFAIL)."""


@click.group()
def mail() -> None:
    """Mail: what waits, what came back."""


@mail.command("status")
def status() -> None:
    """Print what waits and for how long; the exit code is 1 when something is stuck.

    Example: plugin mail status
    """
    now = clock.now()
    found = watch.status(read_session(), now=now)
    for state, number in found.counts.items():
        click.echo(f"{number:8d}  {state}")
    if found.paused_until is not None:
        click.echo(f"The mail server could not be reached; next attempt {found.paused_until}.")
    if found.stuck:
        age = int((now - found.oldest_due_at).total_seconds() // 60) if found.oldest_due_at else 0
        click.echo(f"{found.stuck:8d}  stuck; the oldest should have gone {age} minutes ago")
        sys.exit(1)


@mail.command("bounce")
@click.argument("message", type=click.File("rb"), default="-")
def bounce(message: BinaryIO) -> None:
    """Take one report of a bounce (RFC 3464) from a mailbox: give it on standard input.

    Anything that is no such report is let go with exit code 0, so a mail server can pipe the whole
    mailbox here; 75 says that the database is away and the mail should be kept.

    Example: plugin mail bounce < report.eml
    """
    content = message.read(MAX_BYTES)
    try:
        reports = from_notification(content)
    except UnknownFormError as error:
        click.echo(f"No report of a bounce: {error}.")
        return
    try:
        with transaction() as tx:
            outcome = bounce_actions.record(
                tx.session,
                reports,
                organization_id=None,
                source=AddressSource.REPORT,
                now=clock.now(),
            )
    except OperationalError:
        click.echo("The database cannot be reached.", err=True)
        sys.exit(TRY_AGAIN)
    click.echo(f"{outcome.recorded} recorded, {outcome.unknown} about no mail of ours.")
