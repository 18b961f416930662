"""Every row of the catalog: its reader takes what the row says, and nothing is imported before it is used."""

from __future__ import annotations

import inspect
import subprocess
import sys
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from typing import get_type_hints

import pytest

from genie_cli.config import Settings
from genie_cli.data.catalog import Entry, choices, entry, load
from genie_cli.data.dataset import Crops, Dataset
from genie_cli.errors import FolderError, OutputError, UsageError
from genie_cli.observer import Observer
from tests.data.trees import AIRCRAFT_TEST, AIRCRAFT_TRAIN, put, put_aircraft

BENCHMARKS = ("fewshot", "finegrained", "longtail")
ROWS = [(benchmark, name) for benchmark in BENCHMARKS for name in choices(benchmark)]


class Listener(Observer):
    """Keeps what it is told."""

    def __init__(self) -> None:
        self.layouts: list[str] = []
        self.reasons: list[str] = []

    def found(self, message: str) -> None:
        self.layouts.append(message)

    def left_out(self, reasons: Sequence[str]) -> None:
        self.reasons += reasons


def test_the_choices_in_their_order() -> None:
    assert [choices(benchmark) for benchmark in BENCHMARKS] == [
        ("digits", "digits-spurious-background", "digits-spurious-ink", "digits-negatives", "mini", "tiered", "folder"),
        ("digits", "cub", "cars", "food", "aircraft", "folder"),
        ("digits", "imagenet-lt", "folder"),
    ]


def test_rows_are_looked_up_by_what_is_typed() -> None:
    with pytest.raises(UsageError, match=r"there is no data set 'imagenet'; did you mean imagenet-lt\?") as caught:
        entry("longtail", "imagenet")
    assert caught.value.hint == "choices: digits, imagenet-lt, folder"
    with pytest.raises(UsageError, match=r"there is no data set 'zzz'$"):
        load("fewshot", "zzz")


def reader(row: Entry) -> inspect.Signature:
    function = getattr(import_module(f"genie_cli.data.{row.module}"), row.reader)
    assert get_type_hints(function)["return"] is Dataset
    return inspect.signature(function)


@pytest.mark.parametrize(("benchmark", "name"), ROWS)
def test_a_reader_takes_what_its_row_says(benchmark: str, name: str) -> None:
    row = entry(benchmark, name)
    options = set(reader(row).parameters)
    assert row.name == name
    assert ("partial" in options) == row.can_be_partial
    assert ("lists" in options) == row.has_lists
    assert "observer" in options
    assert set(row.arguments) <= options


@pytest.mark.parametrize(("benchmark", "name"), ROWS)
def test_a_data_set_that_is_not_bundled_says_where_to_get_it(benchmark: str, name: str) -> None:
    row = entry(benchmark, name)
    assert bool(row.how_to_get()) != row.is_bundled
    if not row.is_bundled:
        with pytest.raises(UsageError, match=f"--dataset {name} needs --data-dir FOLDER") as caught:
            load(benchmark, name)
        assert caught.value.hint == row.how_to_get()


@pytest.mark.parametrize(("benchmark", "name"), ROWS)
def test_defaults_are_settings(benchmark: str, name: str) -> None:
    for key, value in entry(benchmark, name).defaults.items():
        section, _, setting = key.partition(".")
        assert hasattr(getattr(Settings(), section), setting), key
        type(getattr(Settings(), section)).model_validate({setting: value})


def test_what_is_special_about_the_digits_is_in_their_rows() -> None:
    for benchmark in BENCHMARKS:
        row = entry(benchmark, "digits")
        assert (row.is_bundled, row.backbone, row.crops) == (True, "digits", Crops(min_area=0.7, flip=False))
        assert row.defaults["model.name"] == "digits"
    assert entry("finegrained", "digits").defaults["finegrained.ways"] == 5
    assert entry("finegrained", "digits").note.startswith("5-way, not 20: ")
    others = [entry(benchmark, name) for benchmark, name in ROWS if not name.startswith("digits")]
    assert all((row.crops, row.defaults, row.backbone, row.note) == (None, {}, "", "") for row in others)


def test_the_digits_are_painted_into_the_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    found = load("finegrained", "digits", "ignored")
    assert found.root.parent == (tmp_path / "genie/data").resolve()
    assert (found.superclass, found.crops) == ("digit", Crops(min_area=0.7, flip=False))
    assert found.classes == ("eight", "five", "nine", "seven", "six")
    assert load("fewshot", "digits").superclass == ""


def test_a_cache_that_cannot_be_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("not a folder")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    with pytest.raises(OutputError, match="cannot write to") as refused:
        load("longtail", "digits")
    assert "XDG_CACHE_HOME" in refused.value.hint


def test_arguments_without_a_use_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"--partial goes with --dataset mini, tiered$"):
        load("fewshot", "folder", str(tmp_path), partial=True)
    with pytest.raises(UsageError, match=r"--partial goes with --dataset imagenet-lt, folder$"):
        load("longtail", "digits", partial=True)
    with pytest.raises(UsageError, match=r"--lists goes with --dataset imagenet-lt$"):
        load("longtail", "folder", str(tmp_path), lists=tmp_path)
    with pytest.raises(UsageError, match=r"--lists goes with --dataset of another command$"):
        load("fewshot", "mini", str(tmp_path), lists=tmp_path)


def test_an_observer_is_told_the_layout_and_what_was_left_out(tmp_path: Path) -> None:
    put_aircraft(tmp_path)
    first, second = (f"images/{images[0][0]}.jpg" for images in (AIRCRAFT_TRAIN, AIRCRAFT_TEST))
    (tmp_path / second).write_bytes((tmp_path / first).read_bytes())
    listener = Listener()
    found = load("finegrained", "aircraft", str(tmp_path), partial=True, observer=listener)
    assert listener.layouts == [f"aircraft: {found.layout}"]
    assert "3 of 3333 test images" in found.layout
    assert listener.reasons == ["1 test image: the same file is a training image, or another test image"]
    assert {source.path for source in found.test} == {f"images/{name}.jpg" for name, _ in AIRCRAFT_TEST[1:]}


def test_a_long_tail_keeps_test_images_that_are_training_images(tmp_path: Path) -> None:
    put(tmp_path, "train/cat/a.jpg", "test/cat/b.jpg")
    (tmp_path / "test/cat/b.jpg").write_text("train/cat/a.jpg")
    listener = Listener()
    assert len(load("longtail", "folder", str(tmp_path), observer=listener).test) == 1
    assert (len(listener.layouts), listener.reasons) == (1, [])


def test_class_folders_are_both_splits(tmp_path: Path) -> None:
    put(tmp_path, "cat/a.jpg", "dog/b.jpg", "readme.txt")
    listener = Listener()
    found = load("fewshot", "folder", str(tmp_path), observer=listener)
    assert found.train == found.test
    assert [source.path for source in found.train] == ["cat/a.jpg", "dog/b.jpg"]
    assert (listener.layouts, listener.reasons) == ([], ["readme.txt does not have the extension of an image file"])


def test_the_root_is_absolute(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put(tmp_path, "photos/cat/a.jpg")
    monkeypatch.chdir(tmp_path)
    assert load("fewshot", "folder", "photos").root == (tmp_path / "photos").resolve()
    with pytest.raises(FolderError, match=r"^nowhere does not exist$"):
        load("fewshot", "folder", "nowhere")


def test_nothing_heavy_is_imported_before_a_data_set_is_read() -> None:
    heavy = "{'torch', 'torchvision', 'numpy', 'sklearn', 'scipy', 'timm', 'PIL'}"
    script = f"import sys; from genie_cli.data import catalog; print(sorted({heavy} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
