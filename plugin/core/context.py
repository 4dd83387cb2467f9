"""What the running app offers to every feature: its settings and its storage."""

from typing import Any, cast

from flask import current_app

from plugin.core.settings import Settings
from plugin.core.storage import Storage


def current_settings() -> Settings:
    """The settings of the running app."""
    return cast(Settings, current_app.extensions["plugin_settings"])


def storage() -> Storage:
    """The storage of the running app."""
    return Storage(current_settings().storage_path)


def wired(name: str) -> Any:
    """What the app has installed under this name."""
    return current_app.extensions[name]
