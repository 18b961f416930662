"""The notebook of the tutorial is executed at night, and is kept without outputs."""

from __future__ import annotations

from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

from tests.docs.blocks import DOCS, ROOT
from tests.slow import slow

NOTEBOOK = DOCS / "tutorial-notebook.ipynb"


def read() -> nbformat.NotebookNode:
    notebook: nbformat.NotebookNode = nbformat.read(NOTEBOOK, as_version=4)  # type: ignore[no-untyped-call]
    return notebook


@slow
def test_it_runs(nothing_set: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", str(ROOT / "src"))
    notebook = read()
    NotebookClient(notebook, timeout=600, resources={"metadata": {"path": str(nothing_set)}}).execute()
    outputs = [output for cell in notebook.cells if cell.cell_type == "code" for output in cell.outputs]
    said = "".join(output.text for output in outputs if "text" in output)
    assert "45% of the sevens are recognized" in said
    assert "seven  45% -> 69%" in said
    assert (nothing_set / "set/train/seven").is_dir()


def test_it_has_no_outputs() -> None:
    notebook = read()
    nbformat.validate(notebook)
    assert all(not cell.outputs and cell.execution_count is None for cell in notebook.cells if cell.cell_type == "code")
