"""Values as JavaScript files, which a page opened as a file can load by a tag, where it may not read JSON."""

from __future__ import annotations

import json
from typing import Any


def call(function: str, *values: Any) -> bytes:
    """A file that calls a function with JSON values.

    Nothing in the values can end the text that they are in, or begin anything else: it is ASCII in single quotes,
    without a quote, a backslash that does not escape, or a ``<``. The browser reads it by ``JSON.parse``, which is
    faster than JavaScript's own reader.
    """
    return f"{function}({', '.join(map(_quoted, values))});\n".encode("ascii")


def assign(name: str, value: Any) -> bytes:
    """A file that gives a variable a JSON value, in the same way."""
    return f"{name} = {_quoted(value)};\n".encode("ascii")


def _quoted(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=True, allow_nan=False, separators=(",", ":"))
    for character, escaped in (("\\", "\\\\"), ("'", "\\'"), ("<", "\\u003c")):
        text = text.replace(character, escaped)
    return f"JSON.parse('{text}')"
