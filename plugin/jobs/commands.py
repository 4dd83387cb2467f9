"""The processes beside the web server: dispatcher and worker; and the repair."""

import signal
import threading
import time
from types import FrameType

import click
from flask import current_app

from plugin.core import clock, log, queue
from plugin.core.context import current_settings
from plugin.core.outbox import QueueName
from plugin.jobs import reconcile as repair
from plugin.jobs.dispatch import Dispatcher

REDIS_PAUSE_SECONDS = 1.0


@click.command()
def dispatcher() -> None:
    """Hand due work to the workers; without Redis, do it here. Start one or more.

    Example: plugin dispatcher
    """
    settings = current_settings()
    log.configure(settings.log_level)
    app = current_app._get_current_object()  # type: ignore[attr-defined]  # noqa: SLF001
    loop = Dispatcher(app=app, settings=settings)
    _stop_on_signals(loop.stop)
    mode = "to Redis" if settings.redis_url else "here, without Redis"
    log.log.info("dispatcher.started", work=mode)
    loop.run()


def _queues(_context: click.Context, _option: click.Parameter, text: str) -> list[QueueName]:
    try:
        return [QueueName(name.strip()) for name in text.split(",")]
    except ValueError:
        raise click.BadParameter(f"known are {', '.join(QueueName)}.") from None


@click.command()
@click.option(
    "--queues",
    default=",".join(QueueName),
    callback=_queues,
    show_default=True,
    help="Which work, most urgent first.",
)
@click.option("--max-jobs", default=500, show_default=True, help="Start afresh after so many.")
@click.option("--burst", is_flag=True, help="Stop when there is nothing to do.")
def worker(queues: list[QueueName], max_jobs: int, burst: bool) -> None:
    """Do the work the dispatcher hands out. Start as many as you like.

    Example: plugin worker --queues high,mail
    """
    settings = current_settings()
    log.configure(settings.log_level)
    if not settings.redis_url:
        raise click.ClickException("PLUGIN_REDIS_URL is not set: the dispatcher does the work.")
    while not queue.is_reachable(settings):
        log.log.warning("worker.queue_unreachable")
        time.sleep(REDIS_PAUSE_SECONDS)
    log.log.info("worker.started", queues=",".join(queues))
    queue.work(settings, queues, burst=burst, max_jobs=max_jobs)


@click.command()
@click.option("--all", "everybody", is_flag=True, help="Also compare every standing anew.")
def reconcile(everybody: bool) -> None:
    """Ask again for every step that is missing, and print what was found.

    Example: plugin reconcile --all
    """
    now = clock.now()
    for name, number in repair.run(now=now, lost_at_once=True).items():
        click.echo(f"{number:6d}  {name}")
    if everybody:
        click.echo(f"{repair.everybody(now=now):6d}  configurations to compare")


def _stop_on_signals(stop: threading.Event) -> None:
    def handle(_number: int, _frame: FrameType | None) -> None:
        stop.set()

    signal.signal(signal.SIGTERM, handle)
    signal.signal(signal.SIGINT, handle)
