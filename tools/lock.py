"""Write the requirement locks: names, versions and hashes, and no address of any index."""

import subprocess
import sys

LOCKS = {
    "requirements/run.txt": ("quickstart", "build"),
    "requirements/dev.txt": ("quickstart", "build", "dev"),
}


def main() -> None:
    """Every lock says what pyproject.toml allows today; needs `uv` (pip install uv)."""
    for target, extras in LOCKS.items():
        command = [
            "uv", "pip", "compile", "--quiet", "--universal", "--python-version", "3.11",
            "--generate-hashes", "--no-emit-index-url", "--no-annotate", "--no-header",
            "--upgrade", "pyproject.toml", "--output-file", target,
        ]  # fmt: skip
        for extra in extras:
            command += ["--extra", extra]
        if subprocess.run(command, check=False).returncode:
            sys.exit(f"{target} could not be written")


if __name__ == "__main__":
    main()
