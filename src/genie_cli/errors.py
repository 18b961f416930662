"""Everything that can go wrong and that a user can fix.

    GenieError              what is wrong and where; `hint` says what fixes it
    ├── UsageError          an option, a setting or a combination of them (exit code 2)
    ├── ImageError          one image cannot be used as a source; the other jobs continue
    ├── FolderError         an image folder is missing, empty or not laid out as classes
    ├── ManifestError       a plan or manifest cannot be read, or points outside its root
    ├── ModelError          a model is missing, unsupported or does not fit its device
    └── OutputError         the output folder is busy, differs, is unwritable or full

None of them prints; `cli/_endings.py` turns them into messages and exit codes.
"""

from __future__ import annotations

import difflib
import os
import re
from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar


class GenieError(Exception):
    """Base of all; ``str(error)`` says what and where, ``error.hint`` what to do about it.

    Args:
        message: one line, or a list of lines.
        hint: the same.

    Attributes:
        lines, hints: both as lists of lines. A line may still hold a line break, from the name of a file; the code
            that displays it escapes that.
    """

    exit_code: ClassVar[int] = 1

    def __init__(self, message: str | Sequence[str], hint: str | Sequence[str] = "") -> None:
        self.lines = _lines(message)
        self.hints = _lines(hint)
        super().__init__("\n".join(self.lines))

    @property
    def hint(self) -> str:
        return "\n".join(self.hints)


class UsageError(GenieError):
    """A bad option or setting, or two that contradict each other."""

    exit_code = 2


class ImageError(GenieError):
    """An image that cannot be used; ``path`` and ``reason`` also end up in the manifest."""

    def __init__(self, path: Path, reason: str, hint: str = "") -> None:
        super().__init__(f"{path}: {reason}", hint)
        self.path = path
        self.reason = reason

    def __reduce__(self) -> tuple[type[ImageError], tuple[Path, str, str]]:
        return type(self), (self.path, self.reason, self.hint)  # so that it comes back whole from another process


class FolderError(GenieError):
    """A folder of images that is not what was asked for."""


class ManifestError(GenieError):
    """A plan or manifest with a bad line; ``line`` counts from 1, 0 if it is the file as a whole."""

    def __init__(self, path: Path | str, line: int, reason: str, hint: str = "") -> None:
        where = f"{path}, line {line}" if line else str(path)
        super().__init__(f"{where}: {reason}", hint)
        self.path = path
        self.line = line
        self.reason = reason


class ModelError(GenieError):
    """A model that is missing, not supported, or does not fit."""


class OutputError(GenieError):
    """The output folder cannot be used as it is."""


def _lines(text: str | Sequence[str]) -> tuple[str, ...]:
    return tuple(part for part in ((text,) if isinstance(text, str) else text) if part)


_LONGEST = 300  # characters of another library's message
_TOKEN = re.compile("hf_[A-Za-z0-9]{8,}")  # of the Hugging Face hub
# What libraries advise to get around their own protection from a file. genie's own advice is to get another file.
_UNSAFE_ADVICE = re.compile(
    "weights_only|weights only load failed|safe_globals|allowlist|can still be loaded|you trust|trusted source"
    "|trust the source|trust_remote_code|allow_pickle|use_safetensors|ignore_mismatched_sizes|arbitrary code",
    re.IGNORECASE,
)


def said(error: BaseException) -> str:
    """What another library's error says, in one line.

    Without advice to switch off what protects from harmful files, and without the token of `HF_TOKEN`, or any other.

    The error's type if nothing is left.
    """
    line = _without_tokens(next(iter(str(error).strip().splitlines()), ""))
    kept = " ".join(sentence for sentence in re.split(r"(?<=[.!?;]) +", line) if not _UNSAFE_ADVICE.search(sentence))
    return (kept if len(kept) <= _LONGEST else f"{kept[:_LONGEST]}…") or type(error).__name__


def _without_tokens(text: str) -> str:
    own = (os.environ.get(name, "").strip() for name in ("HF_TOKEN", "HUGGING_FACE_HUB_TOKEN"))
    for token in filter(None, own):
        text = text.replace(token, "(a token)")
    return _TOKEN.sub("(a token)", text)


def shorten(words: Sequence[object], shown: int = 5, between: str = ", ") -> str:
    """The first few of many items, for a message: ``a, b, c and 4 more``."""
    rest = len(words) - shown
    return between.join(map(str, words[:shown])) + (f" and {rest} more" if rest > 0 else "")


def did_you_mean(word: str, known: Sequence[str], cutoff: float = 0.5) -> str:
    """The end of a sentence that suggests the known word most like ``word``: ``; did you mean lynx?``, or nothing."""
    near = nearest(word, known, cutoff)
    return f"; did you mean {near}?" if near and near != word else ""


def nearest(word: str, known: Sequence[str], cutoff: float = 0.5) -> str:
    """The known word that is most like ``word``; empty if none is."""
    return next(iter(difflib.get_close_matches(word, known, n=1, cutoff=cutoff)), "")
