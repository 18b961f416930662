"""CLIP's vocabulary, which follows from its merges: it is a million characters that the package need not have."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path

from genie_cli.files.reading import read_bytes, read_lines
from genie_cli.files.writing import write_atomically

_MAX_BYTES = 1 << 20
_START, _END = "<|startoftext|>", "<|endoftext|>"


def write(merges: Path, folder: Path) -> None:
    """Write ``merges.txt`` and the ``vocab.json`` that follows from it into a tokenizer's folder."""
    content = vocabulary(line for line in read_lines(merges) if not line.startswith("#version"))
    write_atomically(folder / "merges.txt", read_bytes(merges, _MAX_BYTES))
    write_atomically(folder / "vocab.json", json.dumps(content, ensure_ascii=False).encode())


def vocabulary(merges: Iterable[str]) -> dict[str, int]:
    """Tokens to ids: each byte, each byte at the end of a word, what is merged in its order, the start and the end.

    Args:
        merges: the two tokens that become one, with a blank between them.
    """
    letters = _letters()
    tokens = [*letters, *(f"{letter}</w>" for letter in letters)]
    tokens += ["".join(merge.split()) for merge in merges if merge.strip()]
    return {token: number for number, token in enumerate([*tokens, _START, _END])}


def _letters() -> list[str]:
    """A printable character for each byte: itself if it is one, else one beyond Latin-1."""
    printable = [*range(ord("!"), ord("~") + 1), *range(ord("¡"), ord("¬") + 1), *range(ord("®"), ord("ÿ") + 1)]
    others = [byte for byte in range(256) if byte not in printable]
    return [chr(byte) for byte in printable] + [chr(256 + place) for place in range(len(others))]
