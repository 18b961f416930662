"""Writes docs/settings.md from the declarations of settings: `python docs/make_settings.py`. A test checks the page."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

from genie_cli.config import Settings
from genie_cli.settings import SECTIONS, choices_of, field_of, flag_of, keys, variable_of

PAGE = Path(__file__).with_name("settings.md")
HEAD = """# Settings

Every setting with its default, as `genie.toml` has it; made by `python docs/make_settings.py`. What an option is in the
command line, a setting is in the environment, in `genie.toml` and in Python; which of them wins:
[Concepts](concepts.md#settings). How to use a file: [Keep settings in a file](howto/settings-file.md).
"""


def render() -> str:
    """The page's text."""
    return "\n".join([HEAD, *(line for section in SECTIONS for line in _section(section))])


def _section(section: str) -> Iterator[str]:
    meaning = type(getattr(Settings(), section)).__doc__ or ""
    yield f"## [{section}]\n\n{meaning}\n\n| setting | default | option, variable | meaning |\n|---|---|---|---|"
    for key in keys(section):
        declared = field_of(key)
        values = " ".join(f"`{name}`" for name in choices_of(key))
        meaning = str(declared.description).replace("|", "\\|") + (f" One of {values}." if values else "")
        default = json.dumps(declared.get_default(), default=str).replace("|", "\\|")
        yield f"| `{key.partition('.')[2]}` | `{default}` | `{flag_of(key)}` `{variable_of(key)}` | {meaning} |"
    yield ""


if __name__ == "__main__":
    PAGE.write_text(render(), encoding="utf-8")
