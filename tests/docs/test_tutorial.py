"""docs/tutorial.md is typed: its files are saved, its commands run, and what it says of the result is found."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests import slow
from tests.docs.blocks import DOCS, Block, blocks
from tests.docs.shell import Shell

PAGE = DOCS / "tutorial.md"
# Fewer images and steps, so that it takes seconds; all of it is run if the environment has SLOW_TESTS.
WHOLE = slow.ARE_RUN
_SHORTER = {"--per-target 40": "--per-target 6", "--per-target 60": "--per-target 4", "--steps 20": "--steps 4"}


@pytest.fixture
def reader(nothing_set: Path, monkeypatch: pytest.MonkeyPatch) -> Shell:
    """A shell as a reader has it: nothing but what the page says."""
    return Shell(monkeypatch, stands_in=False)


def test_all_of_it_is_typed(reader: Shell) -> None:
    reports: list[str] = []
    for block in blocks(PAGE):
        if block.language == "python":
            [name] = re.findall(r"`(\w+\.py)`", block.above)
            Path(name).write_text(block.text, encoding="utf-8")
        elif block.language == "console":
            before = len(reader.said)
            reader.run(block if WHOLE else shorter(block))
            if "train.py" in block.text and block.is_run:
                reports.append(reader.said[before:])
    recalls = [recall_of("seven", report) for report in reports]
    photos, with_images, from_noise = recalls
    assert photos == 0.45
    assert Path("gallery/index.html").is_file()
    if WHOLE:
        assert with_images > from_noise > photos
        shown = [block.text for block in blocks(PAGE) if "precision" in block.text and block.language == "text"]
        assert [recall_of("seven", report) for report in shown] == [0.45, 0.69]
        assert recalls == [0.45, 0.69, 0.56]


def shorter(block: Block) -> Block:
    text = block.text
    for written, instead in _SHORTER.items():
        text = text.replace(written, instead)
    return Block(block.language, text, block.above, block.line)


def recall_of(label: str, report: str) -> float:
    """The second figure of a class's line in scikit-learn's report, the first report that is in the text."""
    found = re.search(rf"^\s+{label}\s+\d\.\d+\s+(\d\.\d+)", report, re.M)
    assert found, report
    return float(found[1])
