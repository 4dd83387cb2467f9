"""What the web server serves: `plugin.wsgi:app`."""

from plugin.app import create_app
from plugin.core import log
from plugin.core.settings import Settings

settings = Settings.from_env()
log.configure(settings.log_level)
app = create_app(settings)
