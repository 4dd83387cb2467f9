"""Several sites over https on this machine: a certificate made for them, and a proxy's half."""

import ipaddress
import os
import ssl
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from werkzeug.serving import make_server

from tests.support.browser import Address

Serve = Callable[..., Iterable[bytes]]


def certificate(folder: Path, *names: str) -> ssl.SSLContext:
    """What a server needs to answer under these names; nobody but the test trusts it."""
    folder.mkdir(parents=True, exist_ok=True)
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, names[0])])
    now = datetime.now(UTC)
    others: list[x509.GeneralName] = [x509.DNSName(each) for each in names]
    others.append(x509.IPAddress(ipaddress.ip_address("127.0.0.1")))
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=7))
        .add_extension(x509.SubjectAlternativeName(others), critical=False)
        .sign(key, hashes.SHA256())
    )
    path = folder / "server.pem"
    path.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        + made.public_bytes(serialization.Encoding.PEM)
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(path)
    return context


def behind_a_proxy(serve: Serve) -> Serve:
    """What a proxy that ends TLS does: the app is asked in plain http, and told who asked how."""

    def passed_on(environ: dict[str, Any], start: Any) -> Iterable[bytes]:
        environ["HTTP_X_FORWARDED_PROTO"] = environ["wsgi.url_scheme"]
        environ["HTTP_X_FORWARDED_HOST"] = environ["HTTP_HOST"]
        environ["HTTP_X_FORWARDED_FOR"] = environ["REMOTE_ADDR"]
        environ["wsgi.url_scheme"], environ["HTTP_HOST"] = "http", "10.0.0.5:8000"
        return serve(environ, start)

    return passed_on


@contextmanager
def serving_tls(serve: Serve, address: Address, context: ssl.SSLContext) -> Iterator[None]:
    """The app answers over https at `address` until the end of the block."""
    server = make_server(
        "127.0.0.1",
        address.port,
        serve,  # type: ignore[arg-type]
        threaded=True,
        ssl_context=context,
        fd=os.dup(address.listener.fileno()),
    )
    server.log = lambda *_: None  # type: ignore[method-assign]
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        server.server_close()
        thread.join(timeout=10)
