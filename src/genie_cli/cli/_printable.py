"""Makes any text from outside harmless on a terminal: names of files and classes, prompts, records, messages.

A terminal obeys escape sequences, some of which change its title, its clipboard (OSC 52) or what was printed before.
Bidirectional controls show a name in another order than it has, and a line break in it could begin a line that looks
like one of genie's own.
"""

from __future__ import annotations

import json
import re

from rich.style import StyleType
from rich.text import Text

# C0 and C1 controls, halves of surrogate pairs (bytes that are not UTF-8), line and paragraph separators, bidirectional
# and other invisible controls, and the tag characters, which are never shown. The two joiners are left: scripts and
# emoji need them.
_HIDDEN = re.compile(
    "[\x00-\x1f\x7f-\x9f\u00ad\u061c\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ud800-\udfff\ufeff\ufff9-\ufffb"
    "\U000e0000-\U000e0fff]"
)


def printable(text: str) -> str:
    """The text in one line, with an escape such as ``\\x1b`` or ``\\u202e`` for each character that is not shown."""
    return _HIDDEN.sub(lambda found: _escape(found[0]), text)


def text(shown: object, style: StyleType = "") -> Text:
    """Anything as one printable line, for a message or a cell of a table."""
    return Text(printable(str(shown)), style)


def printable_lines(text: str) -> str:
    """The same for text whose line breaks are ours."""
    return "\n".join(map(printable, text.split("\n")))


def printable_json(lines: str) -> str:
    """JSON Lines that say the same, with JSON's own escapes for what a terminal would not show.

    In JSON such characters only occur within strings, and the controls below U+0020 are escaped already.
    """
    return _HIDDEN.sub(lambda found: found[0] if found[0] == "\n" else json.dumps(found[0])[1:-1], lines)


def _escape(character: str) -> str:
    code = ord(character)
    if 0xDC80 <= code <= 0xDCFF:  # how Python keeps a byte of a name that is not UTF-8
        return f"\\x{code - 0xDC00:02x}"
    known = {"\n": "\\n", "\r": "\\r", "\t": "\\t"}
    if character in known:
        return known[character]
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def duration(seconds: float) -> str:
    """A time span: ``90 s``, ``15 min``, ``3.5 h``."""
    if seconds < 120:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 7200 else f"{seconds / 3600:.1f} h"
