"""Files that several machines must see: packages, PDFs, logos."""

import errno
import hashlib
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, BinaryIO

BLOCK = 1024 * 1024


_FULL = {errno.ENOSPC, errno.EDQUOT}


def is_full(trouble: BaseException) -> bool:
    """Whether there is no room left where files are kept."""
    return isinstance(trouble, OSError) and trouble.errno in _FULL


class StorageKeyError(ValueError):
    """A key that could leave the storage folder."""


@dataclass(frozen=True, slots=True)
class Stored:
    """A file that is now in the storage."""

    key: str
    sha256: str
    size: int


class Storage:
    """A folder, addressed by keys such as `editions/12/1.pdf`; share it between machines."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def path(self, key: str) -> Path:
        """Where a key lies on disk; refuses keys that point outside."""
        parts = key.split("/")
        if not key or any(part in {"", ".", ".."} or "\\" in part for part in parts):
            raise StorageKeyError(key)
        return self.root.joinpath(*parts)

    def put(self, key: str, content: bytes) -> Stored:
        """Write `content` under `key`, whole or not at all; writing the same again is harmless."""
        with self.writer(key) as out:
            out.write(content)
        return Stored(key, hashlib.sha256(content).hexdigest(), len(content))

    def put_stream(self, key: str, source: IO[bytes]) -> Stored:
        """Write everything `source` gives under `key`, memory flat."""
        digest, size = hashlib.sha256(), 0
        with self.writer(key) as out:
            while block := source.read(BLOCK):
                digest.update(block)
                size += len(block)
                out.write(block)
        return Stored(key, digest.hexdigest(), size)

    @contextmanager
    def writer(self, key: str) -> Iterator[BinaryIO]:
        """A file that appears under `key` only when the block ends without an error."""
        target = self.path(key)
        target.parent.mkdir(parents=True, exist_ok=True)
        descriptor, name = tempfile.mkstemp(dir=target.parent, prefix=".part-")
        try:
            with os.fdopen(descriptor, "wb") as out:
                yield out
                out.flush()
                os.fsync(out.fileno())
            Path(name).replace(target)
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise

    @contextmanager
    def held(self, key: str) -> Iterator[None]:
        """What lies under `key` stays only if the block ends without an error."""
        try:
            yield
        except BaseException:
            self.path(key).unlink(missing_ok=True)
            raise

    def read(self, key: str) -> bytes:
        return self.path(key).read_bytes()

    def exists(self, key: str) -> bool:
        return self.path(key).exists()

    def remove_tree(self, key: str) -> None:
        """Everything below `key` is gone; nothing there is fine too."""
        shutil.rmtree(self.path(key), ignore_errors=True)
