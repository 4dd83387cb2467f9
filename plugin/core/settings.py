"""Every setting, read once from the environment into one frozen object."""

import ipaddress
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from enum import StrEnum
from pathlib import Path
from typing import Any
from urllib.parse import SplitResult, urlsplit

from babel import Locale, UnknownLocaleError

from plugin.core.errors import SettingError


class Environment(StrEnum):
    PRODUCTION = "production"
    DEMO = "demo"
    TEST = "test"


MIN_SECRET_LENGTH = 32
DATABASES = {"postgresql", "postgresql+psycopg", "postgres", "sqlite"}
QUEUES = {"redis", "rediss", "unix"}
UPLOADS_BY = {"admin", "operator"}
MAX_PORT = 65535
CLAMAV = re.compile(r"unix:/.+|[^\s/]+:[0-9]{1,5}")
LOG_LEVELS = {"DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"}
_TRUE = {"1", "true", "yes", "on"}
_FALSE = {"0", "false", "no", "off", ""}


def _setting(default: Any, about: str) -> Any:
    return field(default=default, metadata={"about": about})


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What an operator can set. `from_env` reads `PLUGIN_<NAME>`; the README lists them all."""

    env: Environment = _setting(Environment.PRODUCTION, "`production`, `demo` or `test`")
    product_name: str = _setting("Module Assignment", "the name on pages, mails and certificates")
    tool_url: str = _setting("", "public address of the tool; https, or http on loopback")
    content_url: str = _setting("", "public address packages are played from; another host")
    trust_packages: bool = _setting(
        False, "allow content_url to share the host of tool_url (packages are trusted)"
    )
    database_url: str = _setting("", "SQLAlchemy address; postgresql:// in production")
    redis_url: str = _setting("", "address of Redis or Valkey; empty: the dispatcher does the work")
    secret_key: str = _setting("", "signs cookies and forms; at least 32 characters")
    encryption_key: str = _setting("", "encrypts private keys at rest; at least 32 characters")
    storage_dir: str = _setting("", "folder for packages, PDFs and logos; shared by all machines")
    proxy_hops: int = _setting(0, "how many trusted proxies set X-Forwarded-* in front of us")
    outgoing_allow: str = _setting(
        "", "private host:port pairs we may call, comma separated (an LMS in your own network)"
    )
    mail_host: str = _setting("", "SMTP server")
    mail_port: int = _setting(587, "SMTP port")
    mail_user: str = _setting("", "SMTP user name, if the server wants one")
    mail_password: str = _setting("", "SMTP password")
    mail_tls: str = _setting("starttls", "`starttls`, `tls` or `none` (loopback only)")
    mail_sender: str = _setting("", "address mails come from")
    mail_per_minute: int = _setting(0, "most mails a minute the SMTP server takes; 0: any number")
    mail_bounce_address: str = _setting(
        "", "mailbox for reports of bounces, one that takes name+anything@"
    )
    mail_hook_secret: str = _setting(
        "", "signs reports of bounces for every organization; at least 32 characters"
    )
    mail_keep_days: int = _setting(
        3650, "days the text and HTML of a sent mail are kept; 0: for ever"
    )
    upload_max_mb: int = _setting(2048, "largest package that may be uploaded, in MiB")
    unpacked_max_mb: int = _setting(2048, "most a package may unpack to, in MiB")
    uploads_by: str = _setting(
        "admin", "who brings packages: `admin`, or `operator` (only on the command line)"
    )
    clamav: str = _setting("", "ClamAV's daemon that scans packages: host:port or unix:/path")
    default_locale: str = _setting("en", "language where neither person nor LMS says one")
    log_level: str = _setting("INFO", "lowest level that is logged")
    demo_clock: str = _setting("", "file that moves the clock of a demo; refused anywhere else")
    verify_rate: str = _setting("60 per minute", "how often one address may ask the verify page")

    @classmethod
    def from_env(cls, environ: Mapping[str, str] | None = None) -> "Settings":
        """The settings of this process; raises SettingError naming a missing or weak value."""
        source = os.environ if environ is None else environ
        values: dict[str, Any] = {}
        for each in fields(cls):
            name = f"PLUGIN_{each.name.upper()}"
            if name in source:
                values[each.name] = _parsed(name, each.default, source[name])
        return cls(**values).checked()

    def checked(self) -> "Settings":
        """This object, or SettingError with the name of the first value that cannot be used."""
        for name in ("tool_url", "content_url", "database_url", "storage_dir"):
            if not getattr(self, name):
                raise SettingError(f"PLUGIN_{name.upper()} is not set")
        for name in ("tool_url", "content_url"):
            _check_origin(f"PLUGIN_{name.upper()}", getattr(self, name))
        for name in ("secret_key", "encryption_key"):
            if len(getattr(self, name)) < MIN_SECRET_LENGTH:
                raise SettingError(
                    f"PLUGIN_{name.upper()} needs at least {MIN_SECRET_LENGTH} characters"
                )
        if self.secret_key == self.encryption_key:
            raise SettingError("PLUGIN_ENCRYPTION_KEY must differ from PLUGIN_SECRET_KEY")
        self._check_hosts()
        self._check_words()
        self._check_packages()
        self._check_mail()
        if self.demo_clock and self.env is not Environment.DEMO:
            raise SettingError("PLUGIN_DEMO_CLOCK is for PLUGIN_ENV=demo: here time does not move")
        return self

    def _check_hosts(self) -> None:
        # another port is no other host: browsers send cookies to every port of a host
        hosts = {urlsplit(each).hostname for each in (self.tool_url, self.content_url)}
        if len(hosts) == 1 and not self.trust_packages:
            raise SettingError(
                "PLUGIN_CONTENT_URL must be another host than PLUGIN_TOOL_URL, not another port "
                "(or set PLUGIN_TRUST_PACKAGES=1 if every package is trusted)"
            )
        if self.database_url.rstrip("/") in {"sqlite:", "sqlite:///:memory:"}:
            raise SettingError("PLUGIN_DATABASE_URL must be a file or a server")
        if urlsplit(self.database_url).scheme not in DATABASES:
            raise SettingError("PLUGIN_DATABASE_URL must begin with postgresql:// or sqlite:///")
        if self.redis_url and urlsplit(self.redis_url).scheme not in QUEUES:
            raise SettingError("PLUGIN_REDIS_URL must begin with redis://, rediss:// or unix://")

    def _check_packages(self) -> None:
        if self.uploads_by not in UPLOADS_BY:
            raise SettingError("PLUGIN_UPLOADS_BY must be admin or operator")
        if self.clamav and not _is_clamav(self.clamav):
            raise SettingError("PLUGIN_CLAMAV must be like localhost:3310 or unix:/run/clamd.sock")

    def _check_words(self) -> None:
        if self.log_level not in LOG_LEVELS:
            raise SettingError(f"PLUGIN_LOG_LEVEL must be one of {', '.join(sorted(LOG_LEVELS))}")
        try:
            Locale.parse(self.default_locale)
        except (ValueError, UnknownLocaleError):
            raise SettingError("PLUGIN_DEFAULT_LOCALE must be like en or pt_BR") from None

    def _check_mail(self) -> None:
        if self.mail_tls not in {"starttls", "tls", "none"}:
            raise SettingError("PLUGIN_MAIL_TLS must be starttls, tls or none")
        if self.mail_bounce_address and "@" not in self.mail_bounce_address.strip("@"):
            raise SettingError("PLUGIN_MAIL_BOUNCE_ADDRESS must be an address")
        if self.mail_hook_secret and len(self.mail_hook_secret) < MIN_SECRET_LENGTH:
            raise SettingError(
                f"PLUGIN_MAIL_HOOK_SECRET needs at least {MIN_SECRET_LENGTH} characters"
            )
        if self.mail_keep_days < 0:
            raise SettingError("PLUGIN_MAIL_KEEP_DAYS must be a number of days, or 0 for ever")
        if self.env is not Environment.PRODUCTION:
            return
        for name in ("mail_host", "mail_sender"):
            if not getattr(self, name):
                raise SettingError(f"PLUGIN_{name.upper()} is not set")
        if self.mail_tls == "none" and not is_loopback(self.mail_host):
            raise SettingError("PLUGIN_MAIL_TLS=none is for a server on this machine only")

    @property
    def tool_host(self) -> str:
        """Host and port of the tool, as a browser sends them."""
        return urlsplit(self.tool_url).netloc

    @property
    def content_host(self) -> str:
        """Host and port packages are played from."""
        return urlsplit(self.content_url).netloc

    @property
    def sqlalchemy_url(self) -> str:
        """The database address with the driver named (`postgresql` means psycopg 3)."""
        for short in ("postgres://", "postgresql://"):
            if self.database_url.startswith(short):
                return "postgresql+psycopg://" + self.database_url.removeprefix(short)
        return self.database_url

    @property
    def storage_path(self) -> Path:
        return Path(self.storage_dir)


def _is_clamav(address: str) -> bool:
    """A socket, or a host with a port there can be."""
    port = address.rpartition(":")[2]
    is_socket = address.startswith("unix:")
    return bool(CLAMAV.fullmatch(address)) and (is_socket or 0 < int(port) <= MAX_PORT)


def is_loopback(host: str) -> bool:
    """Whether a host name means this machine."""
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _parsed(name: str, default: object, text: str) -> object:
    if isinstance(default, bool):
        if text.lower() not in _TRUE | _FALSE:
            raise SettingError(f"{name} must be 1 or 0")
        return text.lower() in _TRUE
    if isinstance(default, Environment):
        try:
            return Environment(text)
        except ValueError:
            raise SettingError(f"{name} must be production, demo or test") from None
    if isinstance(default, int):
        if not text.isdigit():
            raise SettingError(f"{name} must be a whole number")
        return int(text)
    return text.rstrip("/") if name.endswith(("TOOL_URL", "CONTENT_URL")) else text


def _split(address: str) -> SplitResult | None:
    """The parts of an address; None when it is none, or its port no number."""
    try:
        parts = urlsplit(address)
        parts.port  # noqa: B018 - it is read only when asked for
    except ValueError:
        return None
    return parts


def _as_sent(parts: SplitResult) -> str:
    """Host and port as browsers send them: small letters, no user, no port that goes without."""
    host = parts.hostname or ""
    host = f"[{host}]" if ":" in host else host.encode("idna").decode()
    usual = {"http": 80, "https": 443}[parts.scheme]
    return host if parts.port in {None, usual} else f"{host}:{parts.port}"


def _check_origin(name: str, address: str) -> None:
    parts = _split(address)
    if parts is None or parts.scheme not in {"http", "https"} or not parts.hostname:
        raise SettingError(f"{name} must be an address such as https://training.example.org")
    if parts.path or parts.query or parts.fragment:
        raise SettingError(f"{name} must be a host without a path")
    sent = _as_sent(parts)
    if parts.netloc != sent:
        raise SettingError(f"{name} must be as browsers write it: {parts.scheme}://{sent}")
    if parts.scheme == "http" and not is_loopback(parts.hostname):
        raise SettingError(f"{name} must be https (http is accepted on this machine only)")
