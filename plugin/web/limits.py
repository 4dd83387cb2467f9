"""How often one address may ask: counted in Redis, or in this process while there is none."""

from flask import Flask
from flask_limiter import Limiter
from flask_limiter.util import get_remote_address
from limits import parse_many

from plugin.core.errors import SettingError
from plugin.core.settings import Settings

limiter = Limiter(
    key_func=get_remote_address, in_memory_fallback_enabled=True, headers_enabled=False
)


def init_app(app: Flask, settings: Settings) -> None:
    """Counting begins; raises SettingError for a rate nobody can count by."""
    try:
        parse_many(settings.verify_rate)
    except ValueError:
        raise SettingError("PLUGIN_VERIFY_RATE must be like 60 per minute") from None
    app.config["RATELIMIT_STORAGE_URI"] = _storage(settings.redis_url)
    if settings.redis_url:
        app.config["RATELIMIT_STORAGE_OPTIONS"] = {
            "socket_connect_timeout": 1,
            "socket_timeout": 1,
        }
    limiter.init_app(app)


def _storage(redis_url: str) -> str:
    """The same Redis as the queue's, in the words of the counting library."""
    if redis_url.startswith("unix://"):
        return f"redis+{redis_url}"
    return redis_url or "memory://"
