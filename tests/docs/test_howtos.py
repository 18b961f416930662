"""Every command of the how-to pages is run, or its block says that it needs a GPU or a download."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from tests.docs.blocks import DOCS, ROOT, Block, blocks
from tests.docs.shell import Shell
from tests.slow import slow

# Not here: pages whose Python is run by tests/test_api.py, and those whose commands need files of the reader's own.
_ELSEWHERE = {"python.md": "tests/test_api.py", "models.md": "tests/diffusion/"}
_LIST = re.findall(r"^## How to\n(.*?)^## ", (DOCS / "index.md").read_text(encoding="utf-8"), re.M | re.S)[0]
_LINKED = [DOCS / name for name in re.findall(r"^- \[[^]]*\]\(([\w/.-]+)", _LIST, re.M)]
PAGES = [
    pytest.param(page, marks=[slow] if page.stem in ("adaptive-r", "gallery", "measure") else [], id=page.stem)
    for page in [ROOT / "README.md", *_LINKED]
    if page.name not in _ELSEWHERE
]
# The page's own run needs GPUs.
_BEFORE_SCALE = "genie generate --src-dir photos --targets lynx\ngenie oracle genie-out --out judged.jsonl\n"


def test_every_page_of_the_folder_is_linked() -> None:
    assert set((DOCS / "howto").glob("*.md")) <= set(_LINKED)


@pytest.mark.parametrize("page", PAGES)
def test_commands_are_run(page: Path, shell: Shell) -> None:
    """In the order of the page; files that it shows are written as it goes."""
    if page.stem == "scale":
        shell.run(Block("console", _BEFORE_SCALE, "", 0))
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
