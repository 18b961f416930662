"""`genie oracle --oracle lite0` on photographs: ImageNet's classes without a hub."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from genie_cli.jobs import Source
from genie_cli.manifest import Row, lines_of
from tests.conftest import Genie
from tests.manifests import HEADER, a_job, a_row
from tests.oracle.judged import said
from tests.photographs import crops, save_crops

# Labels as people write them: a word, a WordNet id, a name with an underscore.
PHOTOGRAPHS = {"daisy": "flower.jpg", "n03877845": "china.jpg", "tiger_cat": "chelsea.png", "espresso": "coffee.png"}


@pytest.fixture
def photographs(tmp_path: Path) -> Path:
    """The manifest of a run that "generated" photographs: three of what their labels say, and coffee called a daisy."""
    sources = save_crops(tmp_path / "sources", PHOTOGRAPHS, 2)
    rows = [
        _row(tmp_path, "daisy", "flower.jpg", "n03877845"),
        _row(tmp_path, "n03877845", "china.jpg", "daisy"),
        _row(tmp_path, "espresso", "coffee.png", "tiger_cat"),
        _row(tmp_path, "daisy", "coffee.png", "espresso"),
    ]
    header = HEADER.model_copy(update={"source_root": str(sources)})
    path = tmp_path / "manifest.jsonl"
    path.write_text("".join(lines_of(header, [row.line() for row in rows], len(rows))))
    return path


def _row(root: Path, target: str, name: str, source: str) -> Row:
    file = root / "sources" / source / "0.png"
    sha256 = hashlib.sha256(file.read_bytes()).hexdigest()
    job = a_job(target, source=Source(path=f"{source}/0.png", sha256=sha256, label=source))
    made = root / "train" / f"{job.id}.png"
    made.parent.mkdir(exist_ok=True)
    crops(name, 1)[0].save(made)
    return a_row(job, file=f"train/{made.name}", sha256=hashlib.sha256(made.read_bytes()).hexdigest())


def test_photographs_show_their_labels(genie: Genie, photographs: Path) -> None:
    result = genie("oracle", photographs, "--oracle", "lite0", "--soft-labels")
    assert result.exit_code == 0, result.stderr
    assert "oracle: lite0@" in result.stderr
    assert "1000 classes" in result.stderr
    daisy, palace, espresso, mislabelled = said(result.stdout)
    for label, columns in {"daisy": daisy, "n03877845": palace, "espresso": espresso}.items():
        assert columns["consistent"]
        assert columns["top"] == label
        assert columns["target_probability"] > 0.2 > columns["source_probability"]
        assert columns["soft_label"][label] > 0.2
    assert not mislabelled["consistent"]
    assert mislabelled["top"] == "espresso"
    assert mislabelled["verdict"] == "mislabelled"
    # The coffee is as the source, from which the mislabelled image differs only in its crop.
    assert mislabelled["source_similarity"] == 1.0


def test_what_it_rejects_is_dropped(genie: Genie, photographs: Path) -> None:
    result = genie("oracle", photographs, "--oracle", "lite0", "--consistent-only", "--drop")
    assert [columns["consistent"] for columns in said(result.stdout)] == [True] * 3
    assert "3 accepted, 1 dropped" in result.stderr
