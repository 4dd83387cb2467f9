"""Write the first migration anew from the models (until the first release only)."""

import tempfile
from pathlib import Path

from alembic import command
from alembic.config import Config

ROOT = Path(__file__).resolve().parents[1]


def main() -> None:
    """`migrations/versions/0001_first_tables.py` says what the models say."""
    versions = ROOT / "migrations" / "versions"
    for old in versions.glob("0001_*.py"):
        old.unlink()
    with tempfile.TemporaryDirectory() as folder:
        config = Config()
        config.set_main_option("script_location", str(ROOT / "migrations"))
        config.attributes["url"] = f"sqlite:///{folder}/empty.db"
        command.revision(config, message="first tables", autogenerate=True, rev_id="0001")


if __name__ == "__main__":
    main()
