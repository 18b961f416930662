"""What genie 0.1.0 wrote is read, and its runs go on; `tests/data/0.1.0` has it, and the commands that made it."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from typer.testing import Result

from genie_cli.header import versions
from tests.conftest import Genie, tree
from tests.manifests import on_disk

OLD = Path(__file__).parent / "data/0.1.0"
MODEL = ("--model", "digits", "--steps", 2, "--slots", 2, "--device", "cpu")
MADE = ("generate", *MODEL, "--src-dir", "photos", "--targets", "three,seven", "--per-target", 3, "--r", "0.8,1")
KILLED = ("generate", *MODEL, "--src-dir", "photos", "--targets", "eight", "--per-target", 4, "--r", 1)
FEW = ("--dataset", "folder", "--data-dir", "photos", "--backbone", "digits")
EPISODES = ("--ways", 2, "--shots", 1, "--queries", 1, "--episodes", 2)
TRAINING = ("--network", "test_resnet", "--epochs", 1, "--warmup-epochs", 0, "--batch", 4, "--num-workers", 0)
TAIL = ("longtail", "--dataset", "folder", "--data-dir", "split", "--augment", "none", "--seeds", 0, *TRAINING)


@pytest.fixture
def old(genie: Genie, tmp_path: Path) -> Path:
    """A copy of the files, in the working directory, whose photos are where the headers say."""
    shutil.copytree(OLD, tmp_path, dirs_exist_ok=True)
    _edit_headers(tmp_path, source_root=str(tmp_path / "photos"))
    return tmp_path


@pytest.fixture
def resumable(old: Path) -> Path:
    """The same, as if the packages that bytes depend on were still those of then."""
    _edit_headers(old, versions=versions())
    marker = old / "unpacked/.genie/unpack.json"
    marker.write_text(json.dumps({**json.loads(marker.read_text()), "pillow": versions()["pillow"]}))
    return old


def _edit_headers(root: Path, **changes: Any) -> None:
    for path in root.rglob("*.jsonl"):
        first, _, rest = path.read_text(encoding="utf-8").partition("\n")
        header = json.loads(first)
        if header.get("kind") in {"genie.manifest", "genie.plan"}:
            path.write_text(json.dumps({**header, **changes}) + "\n" + rest, encoding="utf-8")


def done(result: Result) -> Result:
    assert result.exit_code == 0, result.output
    return result


def images(root: Path) -> dict[str, str]:
    return {name: digest for name, digest in tree(root).items() if name.endswith((".jpg", ".png"))}


def test_it_is_of_that_version_and_small() -> None:
    header = json.loads((OLD / "made/manifest.jsonl").read_text(encoding="utf-8").partition("\n")[0])
    assert header["versions"]["genie-cli"] == "0.1.0"
    assert sum(path.stat().st_size for path in OLD.rglob("*") if path.is_file()) < 300_000


def test_every_image_is_known_and_none_has_changed(old: Path, genie: Genie) -> None:
    said = done(genie("status", "made", "--check", "--json"))
    counts = [json.loads(line) for line in said.stdout.splitlines()]
    assert [(line["target"], line["r"], line["made"], line["missing"]) for line in counts] == [
        ("seven", 0.8, 3, 0), ("seven", 1.0, 3, 0), ("three", 0.8, 3, 0), ("three", 1.0, 3, 0)
    ]  # fmt: skip
    assert "checked 12 images: none has changed" in said.stderr


def test_a_run_that_is_done_makes_nothing(resumable: Path, genie: Genie) -> None:
    before = images(resumable / "made")
    assert "12 of 12 images already exist" in done(genie(*MADE, "--class-names", "names.csv", "--out", "made")).stderr
    assert images(resumable / "made") == before


def test_a_run_that_was_killed_is_finished(resumable: Path, genie: Genie) -> None:
    before = images(resumable / "killed")
    assert "1 of 4 images already exist" in done(genie(*KILLED, "--out", "killed")).stderr
    assert len(on_disk(resumable / "killed/manifest.jsonl")) == 4
    assert before.items() <= images(resumable / "killed").items()


def test_a_run_of_other_packages_is_refused_and_not_changed(old: Path, genie: Genie) -> None:
    _edit_headers(old, versions={**versions(), "torch": "1.13.1"})
    before = tree(old / "killed/train")
    refused = genie(*KILLED, "--out", "killed")
    assert refused.exit_code == 1
    assert 'torch: "1.13.1" -> ' in refused.stderr
    assert tree(old / "killed/train") == before
    assert not (old / "killed/manifest.jsonl").exists()


def test_a_plan_is_made(old: Path, genie: Genie) -> None:
    done(genie("generate", *MODEL, "--plan", "plan.jsonl", "--out", "planned"))
    assert len(on_disk(old / "planned/manifest.jsonl")) == 2


def test_a_lost_manifest_comes_back_from_its_images(old: Path, genie: Genie) -> None:
    rows = {row.job.id: row.sha256 for row in on_disk(old / "made/manifest.jsonl")}
    (old / "made/manifest.jsonl").unlink()
    done(genie("status", "made", "--rebuild"))
    assert {row.job.id: row.sha256 for row in on_disk(old / "made/manifest.jsonl")} == rows


def test_images_say_how_they_were_made(old: Path, genie: Genie) -> None:
    row = on_disk(old / "made/manifest.jsonl")[0]
    assert row.job.id in done(genie("explain", f"made/{row.file}")).output


def test_judgements_and_selections_are_read(old: Path, genie: Genie) -> None:
    verdicts = [row.judgement.verdict for row in on_disk(old / "made/judged.jsonl") if row.judgement]
    assert sorted(verdicts) == ["easy (source lost)"] * 4 + ["hard negative"] * 6 + ["mislabelled"] * 2
    done(genie("select", "made/judged.jsonl", "--verdict", "hard,easy", "--out", "made/again.jsonl"))
    assert on_disk(old / "made/again.jsonl") == on_disk(old / "made/selected.jsonl")
    assert sum(row.is_accepted for row in on_disk(old / "made/selected.jsonl")) == 10


def test_a_manifest_is_judged_with_its_class_map(old: Path, genie: Genie) -> None:
    done(genie("oracle", "made", "--class-map", "classes.csv", "--out", "made/again.jsonl"))
    assert [row.judgement is not None for row in on_disk(old / "made/again.jsonl")] == [True] * 12


def test_confusions_choose_sources(old: Path, genie: Genie) -> None:
    plan = done(genie("generate", *MODEL, "--src-dir", "photos", "--targets", "seven", "--confusion", "confusion.json",
                      "--top-k", 1, "--dry-run", "--json")).stdout  # fmt: skip
    assert {json.loads(line)["source"]["label"] for line in plan.splitlines()[1:]} == {"three"}


def test_an_export_is_known_as_complete(old: Path, genie: Genie) -> None:
    before = images(old / "exported")
    done(genie("export", "made/selected.jsonl", "--with", "photos", "--out", "exported"))
    assert images(old / "exported") == before


def test_an_unpacked_folder_is_known_as_complete(resumable: Path, genie: Genie) -> None:
    before = images(resumable / "unpacked")
    done(genie("unpack", "packed.npz", "--out", "unpacked"))
    assert images(resumable / "unpacked") == before


def test_cached_features_and_predictions_are_used(resumable: Path, genie: Genie) -> None:
    [cached] = (resumable / "cache/genie/features").glob("*.sqlite")
    [predictions] = (resumable / "fewshot").glob("predictions-*.jsonl")
    before, results = cached.read_bytes(), (resumable / "fewshot/results.jsonl").read_text()
    words = (*FEW, *EPISODES, *MODEL, "--r", 1, "--augment", "weak,genie", "--compare", "genie r=1,weak")
    for read in ("predictions", "features"):
        said = done(genie("fewshot", *words, "--out", "fewshot", cache=resumable / "cache"))
        assert "damaged" not in said.stderr
        assert (resumable / "fewshot/results.jsonl").read_text() == results, read
        assert cached.read_bytes() == before, "features were computed"
        predictions.unlink()


def test_generated_images_are_used_by_another_evaluation(old: Path, genie: Genie) -> None:
    words = (*FEW, *EPISODES, "--r", 1, "--augment", "genie", "--manifest", "fewshot/images")
    done(genie("fewshot", *words, "--out", "again"))
    done(genie("fewshot", *FEW, "--augment", "weak", "--episode-list", "fewshot/episodes-2-way-1-shot.jsonl"))


def test_a_training_that_is_done_is_not_repeated(old: Path, genie: Genie) -> None:
    result = old / "longtail/trainings/none-seed-0/result.json"
    before = result.read_bytes(), (old / "longtail/results.jsonl").read_bytes()
    done(genie(*TAIL, "--out", "longtail"))
    assert (result.read_bytes(), (old / "longtail/results.jsonl").read_bytes()) == before
    assert not (result.parent / "network.safetensors").exists()


def test_a_page_shows_it_all(old: Path, genie: Genie) -> None:
    results = ("--results", "fewshot", "--results", "longtail")
    said = done(genie("gallery", "made/judged.jsonl", "--confusion", "confusion.json", *results, "--out", "page"))
    assert "left out" not in said.stderr


def test_every_setting_is_known(old: Path, genie: Genie) -> None:
    done(genie("config", "--config", "genie.toml"))
