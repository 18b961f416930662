"""Files as a disk, a network or somebody with an editor may leave them."""

from __future__ import annotations

from hypothesis import strategies as st

# What a schema may take for something else: numbers of other types and sizes, names of types, controls.
_ODD = ["", "0", "-1", "1e308", "1e400", "NaN", "Infinity", "true", "null", '"2"', "[]", "{}", "[" * 5000]
_ODD += ["9" * 5000, "10000000000000000000000", '"\\u0000"', '"\\ud800"', "\x00", "\r\n", "\x1b[2J", "\u202e", '"']


def damaged(content: bytes) -> st.SearchStrategy[bytes]:
    """Strategy: the content cut off, with changed bytes, or with something put into it or in place of a part."""
    places = st.integers(0, len(content))
    cut = places.map(lambda end: content[:end])
    flipped = st.tuples(st.integers(0, max(len(content) - 1, 0)), st.integers(1, 255)).map(
        lambda change: content[: change[0]] + bytes([content[change[0]] ^ change[1]]) + content[change[0] + 1 :]
    )
    inserts = st.sampled_from(_ODD).map(lambda text: text.encode("utf-8", "surrogatepass")) | st.binary(max_size=8)
    spliced = st.tuples(places, places, inserts).map(
        lambda parts: content[: min(parts[:2])] + parts[2] + content[max(parts[:2]) :]
    )
    inserted = st.tuples(places, inserts).map(lambda parts: content[: parts[0]] + parts[1] + content[parts[0] :])
    return cut | flipped | spliced | inserted | st.binary(max_size=64)
