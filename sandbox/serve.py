"""The process of the miniature LMS: its pages and its mail server."""

import json
import os
import signal
import sys
import threading
from pathlib import Path
from types import FrameType
from urllib.parse import urlsplit

from flask import Flask
from werkzeug.serving import BaseWSGIServer, WSGIRequestHandler, make_server

from plugin.core import clock, demo_clock
from sandbox import inbox as mailbox
from sandbox.cookies import NoCookies
from sandbox.lms import Campus, create_lms
from sandbox.oidc import Tool


def refuse_production() -> None:
    """Nobody may sign in as anybody where real people learn."""
    if os.environ.get("PLUGIN_ENV") == "production":
        sys.exit("The miniature LMS lets anybody be anybody: it does not start in production.")


def campus_of(path: Path) -> Campus:
    """The campus described by a JSON file that the demo writes."""
    said = json.loads(path.read_text(encoding="utf-8"))
    return Campus(
        url=said["url"],
        folder=Path(said["folder"]),
        tool=Tool(**said["tool"]),
        tool_origin=said["tool_origin"],
        clock=Path(said["clock"]),
        database_url=said["database_url"],
        cookies=NoCookies(Path(said["cookies"])),
    )


class _Dated(WSGIRequestHandler):
    """A tool compares its clock with the date of our answers: they follow the demo's clock."""

    def date_time_string(self, timestamp: float | None = None) -> str:
        moment = clock.now().timestamp() if timestamp is None else timestamp
        return super().date_time_string(moment)


def server(host: str, port: int, app: Flask) -> BaseWSGIServer:
    """What answers at the address of the LMS."""
    return make_server(host, port, app, threaded=True, request_handler=_Dated)


def main(words: list[str]) -> None:
    """`python -m sandbox.serve CAMPUS.json SMTP_PORT` until told to stop."""
    refuse_production()
    campus = campus_of(Path(words[0]))
    if campus.clock is not None:
        demo_clock.follow(campus.clock)
    parts = urlsplit(campus.url)
    app = create_lms(campus)
    mail = mailbox.smtp_server(
        app.extensions["inbox"], host=parts.hostname or "127.0.0.1", port=int(words[1])
    )
    mail.start()
    web = server(parts.hostname or "127.0.0.1", parts.port or 80, app)

    def stop(_number: int, _frame: FrameType | None) -> None:
        threading.Thread(target=web.shutdown).start()

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    try:
        web.serve_forever()
    finally:
        mail.stop()


if __name__ == "__main__":
    main(sys.argv[1:])
