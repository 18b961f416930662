"""Nothing that a name holds can do more on a terminal than be read."""

from __future__ import annotations

import io
import json
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.table import Table

from genie_cli.cli import _console
from genie_cli.cli._printable import printable, printable_json, text

HOSTILE = "a\x1b]52;c;aGk=\x07\x1b[2J\n\x9b31m\u202e[red]b[/red]\r\u2028\ud800\udcff\x00\u200f\U000e0041"
ANYTHING = st.text(st.characters())


_ORDER = {"LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI"}


def acts(text: str) -> bool:
    """Whether a terminal does something at a character, or cannot be sent it; by Unicode, not by our own list."""
    return any(
        unicodedata.category(each) in ("Cc", "Cs", "Zl", "Zp") or unicodedata.bidirectional(each) in _ORDER
        for each in text
    )


@given(ANYTHING)
def test_no_character_acts(text: str) -> None:
    assert not acts(printable(text))


@given(ANYTHING)
def test_what_is_printable_stays(text: str) -> None:
    invisible = range(0xE0000, 0xE1000)  # tags, selectors of variants, and what Unicode keeps for more of them
    plain = "".join(
        each for each in text if not acts(each) and unicodedata.category(each) != "Cf" and ord(each) not in invisible
    )
    assert printable(plain) == plain


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("\x1b[31m", "\\x1b[31m"),
        ("a\nb", "a\\nb"),
        ("\udcff", "\\xff"),
        ("\u202e", "\\u202e"),
        ("é 🦊 日本", "é 🦊 日本"),
    ],
)
def test_escapes(text: str, shown: str) -> None:
    assert printable(text) == shown


@given(st.dictionaries(ANYTHING, ANYTHING))
def test_json_says_the_same(said: dict[str, str]) -> None:
    line = json.dumps(said, ensure_ascii=False) + "\n"
    assert json.loads(printable_json(line)) == said
    assert printable_json(line).endswith("\n")
    assert not acts(printable_json(line)[:-1])


def test_a_console_shows_names_as_they_are() -> None:
    stream = io.StringIO()
    console = _console.Words(stream, quiet=False)
    table = Table("a", title=text(HOSTILE))
    table.add_row(text(HOSTILE))
    table.add_row(HOSTILE)  # by a path that forgot to make it printable
    console.print(HOSTILE, soft_wrap=True)
    console.print(table)
    written = stream.getvalue()
    assert not any(acts(line) for line in written.split("\n"))
    assert "[red]b[/red]" in written
