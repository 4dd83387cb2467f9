"""A single file somebody brings: kept only if the virus scanner, where there is one, lets it in."""

from plugin.core.storage import Storage
from plugin.org.errors import FieldError
from plugin.scorm import wording
from plugin.scorm.scanner import Scanner


def refuse_viruses(files: Storage, key: str, *, scanner: str, field: str) -> None:
    """The stored file was scanned; one that is not let in is gone, and `field` says why."""
    if not scanner:
        return
    found = tuple(Scanner(scanner)(files.root, [key]))
    if found:
        files.path(key).unlink(missing_ok=True)
        raise FieldError(field, wording.sentences(wording.stored(found))[0].text)
