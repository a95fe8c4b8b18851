"""``python -m graphflow`` is the command line, and so is ``graphflow``."""

from __future__ import annotations

import sys


def main() -> None:
    """The command line. Ctrl-C ends it without a traceback while it is loading, too."""
    try:
        from graphflow.cli import main as run
    except KeyboardInterrupt:
        print("stopped", file=sys.stderr)
        sys.exit(130)
    run()


if __name__ == "__main__":
    main()
