"""A single file somebody brings: kept only if the virus scanner, where there is one, lets it in."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import BinaryIO

from plugin.core.base import JsonDict
from plugin.core.storage import Storage
from plugin.modules.by_hand import keep_evidence
from plugin.org.errors import FieldError
from plugin.scorm import wording
from plugin.scorm.scanner import Scanner


def refuse_viruses(files: Storage, key: str, *, scanner: str, field: str) -> None:
    """The stored file was scanned; raises FieldError, which says why, for one not to be let in."""
    if not scanner:
        return
    found = tuple(Scanner(scanner)(files.root, [key]))
    if found:
        raise FieldError(field, wording.sentences(wording.stored(found))[0].text)


@contextmanager
def evidence(
    files: Storage, organization_id: int, file: BinaryIO, name: str, *, scanner: str
) -> Iterator[JsonDict]:
    """The file is kept if the scanner lets it in and the block ends without an error."""
    kept = keep_evidence(files, organization_id, file, name)
    with files.held(kept["key"]):
        refuse_viruses(files, kept["key"], scanner=scanner, field="evidence")
        yield kept
