from pathlib import Path

import pytest

from plugin.core.errors import SettingError
from plugin.core.paths import STATIC
from plugin.scorm import vendor


@pytest.mark.parametrize(
    ("script", "runtime"),
    [("runtime12.js", vendor.RUNTIME_12), ("sequenced.js", vendor.RUNTIME_2004)],
)
def test_each_script_loads_the_version_that_is_pinned(script: str, runtime: str) -> None:
    text = (STATIC / "scorm" / script).read_text()
    assert f'from "../{vendor.address(runtime)}"' in text


def test_a_missing_or_changed_file_stops_the_start_with_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(vendor, "FOLDER", tmp_path)
    with pytest.raises(SettingError, match=r"missing; run `make assets`"):
        vendor.check()
    (tmp_path / vendor.RUNTIME_12).write_text("export const Scorm12API = null;")
    with pytest.raises(SettingError, match="was changed"):
        vendor.check()
