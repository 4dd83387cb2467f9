"""Launches: ours beside the library's own Flask example, in one run.

Both verify the same kind of token, remember the person and the visit in the same database and
answer with a redirect; both are called as a web server calls them. The example keeps state, nonce
and launch where several processes see them, in Redis (without a redis-server: in this process,
which flatters it, and is said), and so the LMS's key set, as the library's manual recommends.

Run: python -m benchmarks.launch [number of launches]
"""

import gc
import hashlib
import io
import pickle
import platform
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import jwt
import redis
from flask import Flask, redirect
from pylti1p3.contrib.flask import (
    FlaskCacheDataStorage,
    FlaskMessageLaunch,
    FlaskOIDCLogin,
    FlaskRequest,
)
from pylti1p3.tool_config import ToolConfDict
from sqlalchemy import event, select

from plugin.app import create_app
from plugin.core import clock, http, log, migrate
from plugin.core.db import db, read_session, transaction
from plugin.core.secrets import hash_of, new_token
from plugin.core.settings import Environment, Settings
from plugin.lti.tool import actions
from plugin.org.actions import create_organization
from plugin.org.models import Identity, Person, SignIn
from tests.functional.lti.platform import Lms, private_key
from tests.support import databases

TOOL = "https://tool.example.test"
JWKS = "https://lms.example.test/certs"
REPEATS = 5
ENCRYPTION = "another secret only benchmarks know"


class Memory:
    """A cache in this process."""

    def __init__(self) -> None:
        self._values: dict[str, Any] = {}

    def get(self, key: str) -> Any:
        return self._values.get(key)

    def set(self, key: str, value: Any, _seconds: int | None = None) -> None:
        self._values[key] = value


class Shared:
    """A cache in Redis, as Flask-Caching keeps one."""

    def __init__(self, client: redis.Redis) -> None:
        self._client = client

    def get(self, key: str) -> Any:
        found = self._client.get(key)
        return pickle.loads(found) if found else None

    def set(self, key: str, value: Any, seconds: int | None = None) -> None:
        self._client.set(key, pickle.dumps(value), ex=seconds or None)


@contextmanager
def cache(folder: Path) -> Iterator[Memory | Shared]:
    """Redis of our own for the example, or what there is without one."""
    server = shutil.which("redis-server") or shutil.which("valkey-server")
    if server is None:
        yield Memory()
        return
    socket = folder / "redis.sock"
    process = subprocess.Popen(
        [server, "--port", "0", "--unixsocket", str(socket), "--save", "", "--dir", str(folder)],
        stdout=subprocess.DEVNULL,
    )
    try:
        while not socket.exists():
            time.sleep(0.01)
        yield Shared(redis.Redis(unix_socket_path=str(socket)))
    finally:
        process.terminate()
        process.wait()


def ours(folder: Path, url: str) -> tuple[Flask, Lms]:
    settings = Settings(
        env=Environment.TEST,
        tool_url=TOOL,
        content_url="https://content.example.test",
        database_url=url,
        secret_key="a secret only benchmarks know, long enough",
        encryption_key=ENCRYPTION,
        storage_dir=str(folder),
        mail_sender="a@example.test",
        mail_host="127.0.0.1",
        mail_tls="none",
    ).checked()
    migrate.upgrade(settings.sqlalchemy_url)
    app = create_app(settings)
    lms = Lms(uid="")
    with app.app_context(), transaction() as tx:
        organization = create_organization(
            tx.session, name="B", slug="b", time_zone="UTC", locale="en", now=clock.now()
        )
        lms.uid = actions.register(
            tx.session,
            organization.id,
            name="LMS",
            issuer=lms.issuer,
            client_id=lms.client_id,
            auth_url=lms.auth_url,
            token_url="https://lms.example.test/token",
            jwks_url=JWKS,
            deployment_ids=[lms.deployment_id],
            admins_by_role=False,
            encryption_key=ENCRYPTION,
            by=None,
            now=clock.now(),
        ).uid

    def answer(settings: Settings, method: str, url: str, headers: dict[str, str]) -> http.Reply:  # noqa: ARG001
        return lms.key_set.fetch(url)

    http.call = answer  # type: ignore[assignment]
    return app, lms


def example(lms: Lms, people: Flask, kept: Memory | Shared) -> Flask:
    """The library's Flask example, with the upsert every tool needs added to its launch."""
    app = Flask("example")
    app.config.update(
        SECRET_KEY="x" * 32, SQLALCHEMY_DATABASE_URI=people.config["SQLALCHEMY_DATABASE_URI"]
    )
    db.init_app(app)
    storage = FlaskCacheDataStorage(kept)
    registration = {
        "default": True,
        "client_id": lms.client_id,
        "auth_login_url": lms.auth_url,
        "auth_token_url": "https://lms.example.test/token",
        "key_set_url": JWKS,
        "deployment_ids": [lms.deployment_id],
    }
    name = hashlib.md5(JWKS.encode()).hexdigest()
    storage.set_value(f"key-set-url-{name}", {"keys": lms.key_set.keys})
    conf = ToolConfDict({lms.issuer: [registration]})

    @app.post("/login")
    def login() -> Any:
        login = FlaskOIDCLogin(
            FlaskRequest(request_is_secure=True), conf, launch_data_storage=storage
        )
        return login.redirect(TOOL + "/launch")

    @app.post("/launch")
    def launch() -> Any:
        message = FlaskMessageLaunch(
            FlaskRequest(request_is_secure=True), conf, launch_data_storage=storage
        )
        message.set_public_key_caching(storage)
        said = message.get_launch_data()
        session, now = db.session(), clock.now()
        person = session.scalar(
            select(Person)
            .join(Identity)
            .where(Identity.issuer == said["iss"], Identity.subject == said["sub"])
        )
        person.full_name, person.email = said["name"], said["email"]
        visit = SignIn(
            organization_id=person.organization_id,
            person_id=person.id,
            token_hash=hash_of(new_token()),
            frame_ancestors="https://lms.example.test",
            launch={"launch_id": message.get_launch_id()},
            created_at=now,
            expires_at=now,
        )
        session.add(visit)
        session.commit()
        return redirect("/", 303)

    return app


def call(
    app: Flask, path: str, form: dict[str, str], cookies: str
) -> tuple[str, list[tuple[str, str]]]:
    body = urlencode(form).encode()
    got: list[Any] = []
    environ = {
        "REQUEST_METHOD": "POST",
        "PATH_INFO": path,
        "QUERY_STRING": "",
        "SERVER_NAME": "tool.example.test",
        "SERVER_PORT": "443",
        "HTTP_HOST": "tool.example.test",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "CONTENT_TYPE": "application/x-www-form-urlencoded",
        "CONTENT_LENGTH": str(len(body)),
        "HTTP_COOKIE": cookies,
        "wsgi.url_scheme": "https",
        "wsgi.input": io.BytesIO(body),
        "wsgi.errors": sys.stderr,
        "wsgi.version": (1, 0),
        "wsgi.multithread": True,
        "wsgi.multiprocess": True,
        "wsgi.run_once": False,
    }
    answer = app.wsgi_app(
        environ, lambda status, headers, _error=None: got.extend((status, headers))
    )
    list(answer)
    answer.close()
    return got[0], got[1]


def forms(app: Flask, lms: Lms, prefix: str, number: int) -> Iterator[tuple[dict[str, str], str]]:
    """Logins done beforehand, and the signed answers to them."""
    for _ in range(number):
        status, headers = call(app, f"{prefix}/login", lms.login_request(), "")
        assert status.startswith("302"), status
        query = parse_qs(urlsplit(dict(headers)["Location"]).query)
        cookies = "; ".join(v.partition(";")[0] for k, v in headers if k == "Set-Cookie")
        token = jwt.encode(
            lms.claims(query["nonce"][0]), private_key(), "RS256", headers={"kid": lms.kid}
        )
        yield {"id_token": token, "state": query["state"][0]}, cookies


def measure(app: Flask, lms: Lms, prefix: str, number: int) -> tuple[float, float]:
    """CPU and wall milliseconds of one launch."""
    made = list(forms(app, lms, prefix, number))
    gc.collect()
    cpu, wall = time.process_time(), time.perf_counter()
    for form, cookies in made:
        status, _ = call(app, f"{prefix}/launch", form, cookies)
        assert status.startswith("303"), status
    return (
        (time.process_time() - cpu) * 1000 / number,
        (time.perf_counter() - wall) * 1000 / number,
    )


def verify_floor(lms: Lms, number: int) -> float:
    """What the signature alone costs."""
    token = jwt.encode(lms.claims("n"), private_key(), "RS256", headers={"kid": lms.kid})
    key = private_key().public_key()
    jws = jwt.PyJWS()
    started = time.process_time()
    for _ in range(number):
        jws.decode_complete(token, key, ["RS256"])
    return (time.process_time() - started) * 1000 / number


def statements(app: Flask, lms: Lms) -> list[str]:
    """What one launch says to the database."""
    seen: list[str] = []

    def note(_connection: object, _cursor: object, text: str, *_more: object) -> None:
        seen.append(text.partition("\n")[0][:60])

    ((form, cookies),) = forms(app, lms, f"/lti/{lms.uid}", 1)
    with app.app_context():
        event.listen(db.engine, "before_cursor_execute", note)
        call(app, f"/lti/{lms.uid}/launch", form, cookies)
        event.remove(db.engine, "before_cursor_execute", note)
    return seen


def main(number: int) -> None:
    log.configure("ERROR")
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        url = stack.enter_context(databases.fresh(folder))
        app, lms = ours(folder, url)
        kept = stack.enter_context(cache(folder))
        plain = example(lms, app, kept)
        prefix = f"/lti/{lms.uid}"
        for each, path in ((app, prefix), (plain, "")):
            measure(each, lms, path, 20)
        pairs = [
            (measure(plain, lms, "", number), measure(app, lms, prefix, number))
            for _ in range(REPEATS)
        ]
        cpu, wall = (min(pair[0][i] for pair in pairs) for i in (0, 1))
        our_cpu, our_wall = (min(pair[1][i] for pair in pairs) for i in (0, 1))
        said = statements(app, lms)
        print(f"{platform.node()} {platform.machine()} Python {platform.python_version()}")
        print(f"{url.partition(':')[0]}, example's cache: {type(kept).__name__.lower()}")
        print(f"{number} launches, best of {REPEATS}")
        print(f"signature alone     {verify_floor(lms, 500):6.3f} ms CPU")
        print(f"library's example   {cpu:6.2f} ms CPU  {wall:6.2f} ms")
        print(f"ours                {our_cpu:6.2f} ms CPU  {our_wall:6.2f} ms")
        print(f"ratio               {cpu / our_cpu:6.2f} x CPU   {wall / our_wall:6.2f} x")
        print(f"statements          {len(said)}", *said, sep="\n  ")
        for each in (app, plain):
            with each.app_context():
                read_session().rollback()
                db.engine.dispose()


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 200)
