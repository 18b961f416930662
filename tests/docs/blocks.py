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
        above: the paragraph above it.
        line: the number of its first line.
    """

    language: str
    text: str
    above: str
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
        above = text[: found.start()].strip().rpartition("\n\n")[2]
        yield Block(found[1], found[2], above, text.count("\n", 0, found.start()) + 2)


def lines(block: Block) -> Iterator[list[list[Command]]]:
    """The commands of a block of shell, by line; in a line, what is joined by ``|`` is together, and ``&&`` divides."""
    for line in block.text.replace("\\\n", " ").replace("<job id>", JOB).splitlines():
        lexer = shlex.shlex(line, posix=True, punctuation_chars=True)
        lexer.whitespace_split = True
        pipes: list[list[list[str]]] = [[[]]]
        for word in lexer:
            if word == "|":
                pipes[-1].append([])
            elif word == "&&":
                pipes.append([[]])
            else:
                pipes[-1][-1].append(word)
        if pipes[0][0]:
            yield [[_command(words) for words in pipe] for pipe in pipes]


def _command(words: list[str]) -> Command:
    variables = []
    while re.match(r"[A-Z_]+=", words[0]):
        name, _, value = words.pop(0).partition("=")
        variables.append((name, value))
    to = ""
    if ">" in words:
        *words, _, to = words
    return Command(tuple(words), tuple(variables), to)
