"""Files are whole or absent, and no key leaves the folder."""

import io
from pathlib import Path

import pytest

from plugin.core.storage import Storage, StorageKeyError


def test_what_is_put_is_read_and_its_digest_told(tmp_path: Path) -> None:
    storage = Storage(tmp_path)
    stored = storage.put("editions/1/1.pdf", b"abc")
    assert storage.read("editions/1/1.pdf") == b"abc"
    assert stored.size == 3
    assert stored.sha256.startswith("ba7816bf")
    assert storage.put_stream("copy", io.BytesIO(b"abc")).sha256 == stored.sha256


@pytest.mark.parametrize("key", ["", "/etc/passwd", "../x", "a/../x", "a//b", "a\\b", "./a"])
def test_a_key_that_could_leave_the_folder_is_refused(tmp_path: Path, key: str) -> None:
    with pytest.raises(StorageKeyError):
        Storage(tmp_path).put(key, b"x")


def test_an_interrupted_write_leaves_the_old_file_and_no_part(tmp_path: Path) -> None:
    storage = Storage(tmp_path)
    storage.put("a", b"old")

    def interrupted() -> None:
        with storage.writer("a") as out:
            out.write(b"new")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        interrupted()
    assert storage.read("a") == b"old"
    assert [each.name for each in tmp_path.iterdir()] == ["a"]
