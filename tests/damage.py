"""Files as a disk, a network or somebody with an editor may leave them, for readers that answer with genie's errors."""

from __future__ import annotations

from collections.abc import Callable

from hypothesis import strategies as st

from genie_cli.errors import GenieError

# What tends to break readers: other types, absurd numbers, deep nesting, controls, what is no text or no name.
_PIECES = (
    *(b"", b"0", b"-1", b"1.0", b"1e308", b"1e400", b"10000000000000000000000", b"9" * 5000, b"NaN", b"Infinity"),
    *(b"true", b"null", b"[]", b"{}", b'"', b'""', b'"2"', b'"\\u0000"', b'"\\ud800"', b"'", b",", b"\\"),
    *(
        b"\0",
        b"\r",
        b"\r\n",
        b"\n\n",
        b"\x1b[2J",
        b"\xff",
        b"\xff\xfe",
        b"\xed\xa0\x80",
        b"\xe2\x80\xae",
        b"\xef\xbb\xbf",
    ),
    *(b"../../etc/passwd", b"/etc/passwd", b"C:\\x", b"a\0b", b"x" * 300, b"y" * 140_000),
    *(b"[" * 5000, b'{"a":' * 3000, b'"' * 3001),
)


@st.composite
def damaged(draw: st.DrawFn, *files: bytes) -> bytes:
    """One of the files with up to three faults: an end cut off, a bit flipped, a piece put in, taken out, repeated."""
    data = draw(st.sampled_from(files))
    for _ in range(draw(st.integers(1, 3))):
        start = draw(st.integers(0, len(data)))
        end = draw(st.integers(start, min(len(data), start + 40)) | st.integers(start, len(data)))
        part = data[start:end]
        flipped = bytes([part[0] ^ 1 << draw(st.integers(0, 7))]) + part[1:] if part else part
        pieces = st.sampled_from((*_PIECES, flipped, part * 2, *files)) | st.binary(max_size=8)
        data = data[:start] + draw(pieces) + draw(st.sampled_from([data[end:], data[start:], b""]))
    return data


def flipped(content: bytes, place: int) -> bytes:
    """The content with one byte changed: in one bit, from upper to lower case, or altogether."""
    return content[:place] + bytes([content[place] ^ (1, 0x20, 0x80, 0xFF)[place % 4]]) + content[place + 1 :]


def only_our_errors(action: Callable[[], object]) -> GenieError | None:
    """genie's error, if the action raises one; any other error is the test's failure."""
    try:
        action()
    except GenieError as error:
        return error
    return None
