"""Write the reference: ``python -m graphflow.reference docs/reference``."""

from __future__ import annotations

import sys
from pathlib import Path

from graphflow.reference.render import documents


def main(folder: Path) -> None:
    """Write every page into ``folder``; pages of families that are gone are removed."""
    folder.mkdir(parents=True, exist_ok=True)
    pages = documents()
    for old in folder.glob("*.md"):
        if old.name not in pages:
            old.unlink()
    for name, text in pages.items():
        (folder / name).write_text(text, encoding="utf-8")
    print(f"{len(pages)} files in {folder}")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
