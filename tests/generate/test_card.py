"""The dataset card, ``README.md``: what the Hub and the `datasets` library read of it, and whose it is."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest
from huggingface_hub import DatasetCard
from hypothesis import given, settings
from hypothesis import strategies as st

from genie_cli.config import Format
from genie_cli.generate import card
from genie_cli.generate.card import Tally
from genie_cli.generate.folder import Output
from genie_cli.manifest import Status
from tests.conftest import Genie, tree
from tests.generate.outputs import HEADER, PLAN, a_job, image_of, run, with_settings


def text_of(tally: Tally) -> str:
    return card.of_run(HEADER, tally)


def test_what_a_run_leaves_is_counted(tmp_path: Path) -> None:
    made = [row for row in run(Output(tmp_path, HEADER), PLAN) if row.status is Status.MADE]
    read = DatasetCard.load(tmp_path / "README.md")
    said = read.data.to_dict()
    assert said["license"] == "unknown"
    assert "synthetic" in said["tags"]
    assert said["task_categories"] == ["image-classification"]
    assert said["size_categories"] == ["n<1K"]
    [config] = said["configs"]
    assert config["data_files"] == [{"split": "train", "path": "train/**"}]
    [names] = [each["dtype"]["class_label"]["names"] for each in config["features"] if each["name"] == "label"]
    assert list(names.values()) == sorted({row.job.target for row in made})
    counts = Counter(row.job.target for row in made)
    for label, count in counts.items():
        assert f"| {label} | {count} | none ({count}) |" in read.text
    assert "license: unknown  # fill in" in (tmp_path / "README.md").read_text()


@pytest.mark.parametrize(
    ("images", "category"),
    [(1, "n<1K"), (1000, "1K<n<10K"), (99_999, "10K<n<100K"), (10**6, "1M<n<10M"), (10**7, "n>10M")],
)
def test_sizes_are_the_hubs(images: int, category: str) -> None:
    tally = Tally(generated={"fox": Counter({"cat": images})})
    assert DatasetCard(text_of(tally)).data.to_dict()["size_categories"] == [category]


@given(st.lists(st.text(min_size=1, max_size=12), min_size=1, max_size=4, unique=True))
@settings(max_examples=60)
def test_any_class_name_comes_back(names: list[str]) -> None:
    import yaml

    tally = Tally()
    for name in names:
        tally.add(a_job(name), "0" * 64)
    text = text_of(tally)
    head = text.split("\n---\n")[0].removeprefix("---\n")
    [config] = yaml.safe_load(head)["configs"]
    [label] = [each for each in config["features"] if each["name"] == "label"]
    assert list(label["dtype"]["class_label"]["names"].values()) == sorted(names)
    table = text[text.index("## Classes") : text.index("## Columns")].strip().split("\n")
    assert len(table) == 4 + len(names)  # a line for each class, whatever is in its name
    assert all(line.count("|") == 4 for line in table[2:])
    assert "<script" not in text


def test_the_same_images_have_the_same_card(tmp_path: Path) -> None:
    for name in ("a", "deep/b"):
        run(Output(tmp_path / name, HEADER), PLAN)
    assert tree(tmp_path / "a") == tree(tmp_path / "deep/b")
    assert str(tmp_path) not in (tmp_path / "a/README.md").read_text()


class TestWhoseItIs:
    def test_a_persons_is_left(self, tmp_path: Path) -> None:
        (tmp_path / "README.md").write_text("# My images\n")
        run(Output(tmp_path, HEADER), PLAN)
        assert (tmp_path / "README.md").read_text() == "# My images\n"

    def test_an_edited_one_is_left(self, tmp_path: Path) -> None:
        run(Output(tmp_path, HEADER), PLAN[:6], PLAN[:6])
        edited = (tmp_path / "README.md").read_text().replace("license: unknown", "license: mit")
        (tmp_path / "README.md").write_text(edited)
        run(Output(tmp_path, HEADER), PLAN[6:])
        assert (tmp_path / "README.md").read_text() == edited

    def test_an_unedited_one_follows_the_images(self, tmp_path: Path) -> None:
        run(Output(tmp_path / "parts", HEADER), PLAN[:6], PLAN[:6])
        before = (tmp_path / "parts/README.md").read_text()
        run(Output(tmp_path / "parts", HEADER), PLAN[6:])
        run(Output(tmp_path / "whole", HEADER), PLAN)
        assert (tmp_path / "parts/README.md").read_text() == (tmp_path / "whole/README.md").read_text() != before

    def test_a_link_is_not_followed(self, tmp_path: Path) -> None:
        (tmp_path / "out").mkdir()
        (tmp_path / "out/README.md").symlink_to(tmp_path / "elsewhere")
        run(Output(tmp_path / "out", HEADER), PLAN)
        assert (tmp_path / "out/README.md").is_symlink()
        assert not (tmp_path / "elsewhere").exists()

    @pytest.mark.parametrize("change", [lambda text: text[:-3], lambda text: text + "x", lambda text: "\ufeff" + text])
    def test_a_card_that_was_touched_is_a_persons(self, tmp_path: Path, change: object) -> None:
        path = tmp_path / "README.md"
        path.write_text(text_of(Tally()))
        assert card.is_replaceable(path)
        path.write_text(change(text_of(Tally())))  # type: ignore[operator]
        assert not card.is_replaceable(path)


def test_probes_and_runs_without_images_have_none(tmp_path: Path) -> None:
    out = Output(tmp_path, with_settings(probe=True))
    with out.opened():
        out.save(PLAN[0], image_of(PLAN[0]), Format.PNG, 8)
        out.finish(PLAN)
    assert not (tmp_path / "README.md").exists()


def test_datasets_reads_what_generate_leaves(
    genie: Genie, photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import datasets

    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", tmp_path / "cache")
    datasets.disable_progress_bars()
    genie("generate", "--src-dir", photos, "--targets", "seven,two", "--per-target", "2", "--out", "out")
    found = datasets.load_dataset(str(tmp_path / "out"), split="train")
    assert found.features["label"].names == ["seven", "two"]
    assert Counter(found["label"]) == {0: 2, 1: 2}
    assert all(image.size == (32, 32) for image in found["image"])


def test_datasets_does_not_take_a_run_that_grew_for_what_it_was(
    genie: Genie, photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its cache goes by the folder's name and its card."""
    import datasets

    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", tmp_path / "cache")
    datasets.disable_progress_bars()
    command = ("generate", "--src-dir", photos, "--targets", "seven", "--per-target", "4", "--out", "out")
    for images in (2, 4):
        genie(*command, *(["--limit", "2"] if images == 2 else []))
        assert len(datasets.load_dataset(str(tmp_path / "out"), split="train")) == images
