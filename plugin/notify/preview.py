"""What a mail looks like, filled with a sample; its logo stands in the page itself."""

import base64
from dataclasses import replace

from plugin.core.context import current_settings
from plugin.notify.digests import DIGEST
from plugin.notify.emails import Wording
from plugin.notify.letterhead import Letterhead
from plugin.notify.letters import logo_of, words_of
from plugin.notify.models import MessageKind
from plugin.notify.samples import TEMPLATES


def preview(template: str, head: Letterhead, *, person_name: str, locale: str) -> Wording:
    """Subject, text and HTML of the sample, to this person in this language."""
    logo = logo_of(head)
    is_reminder = template in {MessageKind.REMINDER.value, DIGEST}
    words = words_of(
        template,
        TEMPLATES[template],
        head,
        person_name=person_name,
        locale=locale,
        logo=logo,
        unsubscribe_url=f"{current_settings().tool_url}/reminders/sample" if is_reminder else None,
    )
    if logo is None:
        return words
    picture = "data:image/png;base64," + base64.b64encode(logo[0]).decode()
    return replace(words, html=words.html.replace("cid:logo", picture))
