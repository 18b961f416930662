"""The blocks of code of a Markdown page, and the commands in them."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"

_BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.M | re.S)
JOB = "JOB_ID"  # what stands for ``<job id>``, which a shell would take for redirections
_NEEDS = re.compile(r"# needs a (GPU|download)\b")


@dataclass(frozen=True)
class Block:
    """A fenced block.

    Attributes:
        language: what is written after the fence.
        before: the line of text above it.
        line: the number of its first line.
    """

    language: str
    text: str
    before: str
    line: int

    @property
    def is_run(self) -> bool:
        """Whether its commands can be run here: its first line does not say that they need a GPU or a download."""
        return not _NEEDS.match(self.text)


@dataclass(frozen=True)
class Command:
    """One program of a pipe: its words, variables that are set for it, and the file that it writes to."""

    words: tuple[str, ...]
    variables: tuple[tuple[str, str], ...] = ()
    to: str = ""


def blocks(page: Path) -> Iterator[Block]:
    text = page.read_text(encoding="utf-8")
    for found in _BLOCK.finditer(text):
        above = text[: found.start()].strip().rpartition("\n")[2]
        yield Block(found[1], found[2], above, text.count("\n", 0, found.start()) + 2)


def pipes(block: Block) -> Iterator[list[Command]]:
    """The commands of a block of shell; those that are joined by ``|`` are together."""
    for line in block.text.replace("\\\n", " ").replace("<job id>", JOB).splitlines():
        lexer = shlex.shlex(line, posix=True, punctuation_chars=True)
        lexer.whitespace_split = True
        pipe: list[list[str]] = [[]]
        for word in lexer:
            if word == "|":
                pipe.append([])
            elif word == "&&":
                yield [_command(words) for words in pipe]
                pipe = [[]]
            else:
                pipe[-1].append(word)
        if pipe[-1]:
            yield [_command(words) for words in pipe]


def _command(words: list[str]) -> Command:
    variables = []
    while re.match(r"[A-Z_]+=", words[0]):
        name, _, value = words.pop(0).partition("=")
        variables.append((name, value))
    to = ""
    if ">" in words:
        *words, _, to = words
    return Command(tuple(words), tuple(variables), to)
