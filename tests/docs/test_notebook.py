"""The notebook of the tutorial is executed, and is kept without outputs."""

from __future__ import annotations

import os
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

from tests.docs.blocks import DOCS, ROOT

NOTEBOOK = DOCS / "tutorial-notebook.ipynb"
# Fewer images and steps, so that it takes seconds; all of it is run if the environment has SLOW_TESTS.
_SHORTER = {} if "SLOW_TESTS" in os.environ else {"per_target=40": "per_target=8", "steps=20": "steps=6"}


def read() -> nbformat.NotebookNode:
    notebook: nbformat.NotebookNode = nbformat.read(NOTEBOOK, as_version=4)  # type: ignore[no-untyped-call]
    return notebook


def test_it_runs(nothing_set: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", str(ROOT / "src"))
    notebook = read()
    for cell in notebook.cells:
        for written, instead in _SHORTER.items():
            assert cell.cell_type != "code" or "steps" not in cell.source or written in cell.source
            cell.source = cell.source.replace(written, instead)
    NotebookClient(notebook, timeout=600, resources={"metadata": {"path": str(nothing_set)}}).execute()
    outputs = [output for cell in notebook.cells if cell.cell_type == "code" for output in cell.outputs]
    said = "".join(output.text for output in outputs if "text" in output)
    assert "45% of the sevens are recognized" in said
    if not _SHORTER:
        assert "seven  45% -> 69%" in said
    assert (nothing_set / "set/train/seven").is_dir()


def test_it_has_no_outputs() -> None:
    notebook = read()
    nbformat.validate(notebook)
    assert all(not cell.outputs and cell.execution_count is None for cell in notebook.cells if cell.cell_type == "code")
