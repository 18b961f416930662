"""Every command of the how-to pages is run, or its block says that it needs a GPU or a download."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from tests.docs.blocks import DOCS, Block, blocks
from tests.docs.shell import Shell

_SLOW = pytest.mark.skipif("SLOW_TESTS" not in os.environ, reason="slow: a training, a map of images; set SLOW_TESTS=1 to run it")
PAGES = [
    *(page for page in sorted((DOCS / "howto").glob("*.md")) if page.stem != "measure"),
    pytest.param(DOCS / "howto/measure.md", marks=_SLOW),
    DOCS / "export.md",
    pytest.param(DOCS / "gallery.md", marks=_SLOW),
    DOCS / "scale.md",
]
# The page's own run needs GPUs.
BEFORE_SCALE = "genie generate --src-dir photos --targets lynx\ngenie oracle genie-out --out judged.jsonl\n"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_commands_are_run(page: Path, shell: Shell) -> None:
    """In the order of the page; files that it shows are written as it goes."""
    if page.stem == "scale":
        shell.run(Block("console", BEFORE_SCALE, "", 0))
    for block in blocks(page):
        if block.language == "csv":
            name = "predictions.csv" if block.text.startswith("true,") else "names.csv"
            Path(name).write_text(block.text, encoding="utf-8")
        elif block.language in ("console", "sh", "bash"):
            write_what_a_person_would(page)
            shell.run(block)


def write_what_a_person_would(page: Path) -> None:
    """The list of images that were chosen by eye."""
    judged = Path("judged.jsonl")
    if page.stem in ("select", "gallery") and judged.exists():
        _, *rows = map(json.loads, judged.read_text(encoding="utf-8").splitlines())
        ids = [row["id"] for row in rows if row["oracle"]["accepted"]]
        for name in ("chosen.txt", "chosen.jsonl"):
            Path(name).write_text("\n".join(ids[:2]) + "\n", encoding="utf-8")
