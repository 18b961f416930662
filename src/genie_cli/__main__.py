"""`genie`, and `python -m genie_cli`, which is the same.

Little is imported before signals are handled, so that Ctrl-C ends the program at once and in words.
"""

from __future__ import annotations

from genie_cli.cli import _signals


def main() -> None:
    """Entry point of the `genie` command."""
    _signals.install()
    from genie_cli.cli import app

    app.main()


if __name__ == "__main__":
    main()
