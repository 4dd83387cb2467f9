"""One edition is printed: read, drawn, stored, and then marked in one short transaction."""

from flask import current_app
from flask_babel import force_locale, format_date
from flask_babel import gettext as _

from plugin.certs import actions, queries
from plugin.certs.document import certificate_pdf
from plugin.certs.facts import CertificateFacts
from plugin.core import clock, languages
from plugin.core.context import current_settings, storage
from plugin.core.db import read_session, transaction
from plugin.core.log import log


def render(edition_id: int) -> None:
    """The edition's PDF is stored and its mail queued. A crash anywhere: the same bytes again."""
    session = read_session()
    found = queries.unprinted(session, edition_id)
    session.rollback()
    if found is None:
        return
    language = languages.nearest(found.facts.locale, current_settings().default_locale)
    with force_locale(language):
        content = certificate_pdf(
            found.facts, current_app.jinja_env, language=language, logo=_logo(found.facts)
        )
        last_day = _last_day(found.facts)
    stored = storage().put(found.key, content)
    with transaction() as tx:
        actions.keep_pdf(tx, edition_id, stored, valid_through=last_day, now=clock.now())


def _last_day(facts: CertificateFacts) -> str:
    if facts.valid_through is None:
        return str(_("No end date"))
    return str(format_date(facts.valid_through, "long"))


def _logo(facts: CertificateFacts) -> bytes | None:
    """The organization's logo as it was at issue; a certificate without it is better than none."""
    if facts.logo_key is None:
        return None
    try:
        return storage().read(facts.logo_key)
    except FileNotFoundError:
        log.warning("certificate.logo_missing")
        return None
