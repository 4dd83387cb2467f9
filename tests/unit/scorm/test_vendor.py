from pathlib import Path

import pytest

from plugin.core.errors import SettingError
from plugin.core.paths import STATIC
from plugin.scorm import vendor


def test_the_script_loads_the_version_that_is_pinned() -> None:
    script = (STATIC / "scorm" / "runtime12.js").read_text()
    assert f'from "../{vendor.address(vendor.RUNTIME_12)}"' in script


def test_a_missing_or_changed_file_stops_the_start_with_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(vendor, "FOLDER", tmp_path)
    with pytest.raises(SettingError, match=r"missing; run `make assets`"):
        vendor.check()
    (tmp_path / vendor.RUNTIME_12).write_text("export const Scorm12API = null;")
    with pytest.raises(SettingError, match="was changed"):
        vendor.check()
