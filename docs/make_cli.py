"""Writes docs/cli.md from what `--help` prints: `python docs/make_cli.py`. A test checks that it is up to date."""

from pathlib import Path

from typer.testing import CliRunner

from genie_cli.cli._commands import Commands
from genie_cli.cli.app import app

PAGE = Path(__file__).with_name("cli.md")
HEAD = """# The command line

What `--help` prints, command by command; made by `python docs/make_cli.py`.

Options that are settings can also stand in `genie.toml` (`genie init` writes one) or in the environment, as
`GENIE_` and the option's name: `GENIE_GUIDANCE=5`. A flag overrides the environment, which overrides the file.

Exit codes: 0 done, 1 failed, 2 usage, 3 finished but some images failed, 130 interrupted (the same command resumes).
"""


def render() -> str:
    """The page's text."""
    blocks = [HEAD]
    for command in ["", *Commands()]:
        words = [*command.split(), "--help"]
        screen = CliRunner().invoke(app, words, prog_name="genie", env={"COLUMNS": "100", "TERM": "dumb"}).stdout
        lines = "\n".join(line.rstrip() for line in screen.strip("\n").splitlines())
        blocks.append(f"## `genie {command}`\n\n```text\n{lines.strip()}\n```\n".replace(" `\n", "`\n"))
    return "\n".join(blocks)


if __name__ == "__main__":
    PAGE.write_text(render(), encoding="utf-8")
