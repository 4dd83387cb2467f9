"""What the web server serves: `plugin.wsgi:app`."""

from plugin.app import create_app
from plugin.core import log
from plugin.core.settings import Settings
from plugin.scorm import vendor

settings = Settings.from_env()
log.configure(settings.log_level)
vendor.check()
app = create_app(settings)
