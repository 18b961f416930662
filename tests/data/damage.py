"""Small files with damage of every kind, for readers that may answer with genie's own errors only."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from hypothesis import strategies as st

from genie_cli.errors import GenieError

# What tends to break readers: ends, absurd numbers, other types, deep nesting, what is no text or no name.
SPLICES = (
    *(
        b"\0",
        b"\xff",
        b"\xff\xfe",
        b"\xed\xa0\x80",
        b"\r",
        b"\n\n",
        b'"',
        b"'",
        b",",
        b"\\",
        b"\xef\xbb\xbf",
        b"\x1b[2J",
    ),
    *(b"-1", b"10000000000000000000000", b"1e400", b"NaN", b"Infinity", b"true", b"null", b"{}", b"[]", b'""', b"1.0"),
    *(b"../../etc/passwd", b"/etc/passwd", b"C:\\x", b"a\0b", b"x" * 300, b"[" * 3000, b'{"a":' * 3000, b'"' * 3001),
    b"y" * 140_000,
)


@st.composite
def damaged(draw: st.DrawFn, files: Sequence[bytes]) -> bytes:
    """One of the files, with up to three bytes changed, pieces put in, taken out or repeated, or an end cut off."""
    data = draw(st.sampled_from(files))
    for _ in range(draw(st.integers(1, 3))):
        start = draw(st.integers(0, len(data)))
        end = draw(st.integers(start, min(len(data), start + 40)))
        piece = draw(
            st.sampled_from(SPLICES) | st.binary(max_size=8) | st.just(data[start:end] * 2) | st.sampled_from(files)
        )
        data = draw(st.sampled_from([data[:start], data[:start] + piece + data[end:], data[:start] + data[end:]]))
    return data


def only_our_errors(action: Callable[[], object]) -> GenieError | None:
    """genie's error, if the action raises one; any other error is the test's failure."""
    try:
        action()
    except GenieError as error:
        return error
    return None
