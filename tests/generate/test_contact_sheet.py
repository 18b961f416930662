"""Any words can stand beside the pictures of a contact sheet."""

from __future__ import annotations

import pytest
from PIL import Image

from genie_cli.generate.contact_sheet import contact_sheet


@pytest.mark.parametrize(
    "words", ["", "lynx", "a\nb", "a\r\x0b\u2028b", "\x1b[2J", "\u202eabc", "\0", "🦊", "x" * 100_000]
)
def test_words_that_are_hard_to_draw(words: str) -> None:
    picture = Image.new("RGB", (8, 8), "teal")
    sheet = contact_sheet([[picture, picture]], [words, words], [words])
    assert sheet.size == (130 + 2 * 102 + 6, 18 + 6 + 102 + 6)
    assert sheet.getpixel((130 + 48, 24 + 48)) == (0, 128, 128)
