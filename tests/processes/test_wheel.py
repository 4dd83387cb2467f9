"""A built wheel carries everything a checkout has: templates, static files, migrations, courses."""

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

pytestmark = pytest.mark.processes

ROOT = Path(__file__).resolve().parents[2]
ASK = """
from plugin.app import create_app
from plugin.core.paths import ROOT
from plugin.core.settings import Settings
app = create_app(Settings.from_env())
client = app.test_client()
page = client.get("/verify", base_url="https://tool.example.test")
style = client.get("/static/app.css", base_url="https://tool.example.test")
ready = client.get("/readyz", base_url="https://tool.example.test")
print(ROOT.name, page.status_code, style.status_code, ready.json["status"])
"""


@pytest.fixture(scope="module")
def unpacked(tmp_path_factory: pytest.TempPathFactory) -> Path:
    target = tmp_path_factory.mktemp("wheel")
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(target)],
        cwd=ROOT,
        check=True,
        capture_output=True,
    )
    (wheel,) = target.glob("*.whl")
    with zipfile.ZipFile(wheel) as packed:
        packed.extractall(target / "site")
    return target / "site"


def run(unpacked: Path, folder: Path, *command: str) -> str:
    environment = {
        **os.environ,
        "PYTHONPATH": str(unpacked),
        "PLUGIN_ENV": "test",
        "PLUGIN_TOOL_URL": "https://tool.example.test",
        "PLUGIN_CONTENT_URL": "https://content.example.test",
        "PLUGIN_DATABASE_URL": f"sqlite:///{folder}/product.db",
        "PLUGIN_SECRET_KEY": "s" * 40,
        "PLUGIN_ENCRYPTION_KEY": "e" * 40,
        "PLUGIN_STORAGE_DIR": str(folder / "files"),
    }
    done = subprocess.run(
        [sys.executable, *command],
        cwd=folder,
        env=environment,
        check=False,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_wheel_migrates_a_database_and_serves_its_own_files(
    unpacked: Path, tmp_path: Path
) -> None:
    assert "up to date" in run(unpacked, tmp_path, "-m", "plugin.cli", "upgrade")
    assert run(unpacked, tmp_path, "-c", ASK).split() == ["_bundled", "200", "200", "ready"]


def test_the_wheel_carries_what_only_the_build_can_make(unpacked: Path) -> None:
    bundled = unpacked / "plugin" / "_bundled"
    assert list(bundled.glob("static/vendor/scorm-again/*/scorm12.min.js"))
    assert list(bundled.glob("static/vendor/scorm-again/*/scorm2004.min.js"))
    assert list(bundled.glob("static/vendor/scorm-again/*/LICENSE"))
    assert list(bundled.glob("static/vendor/fonts/**/*.ttf"))
    assert (bundled / "translations" / "ar" / "LC_MESSAGES" / "messages.mo").stat().st_size > 10_000
    assert {path.name for path in (unpacked / "sandbox" / "courses").glob("*.zip")} == {
        "working-at-height.zip",
        "confined-spaces.zip",
        "hot-work.zip",
    }
