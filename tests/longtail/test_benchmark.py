"""A run as a program calls it: what is checked first, what is measured only if need be, whose files are replaced."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from genie_cli.config import Generate, LongTail, Model, Settings
from genie_cli.confuse.confusion import Confusion
from genie_cli.data import catalog
from genie_cli.data.digits.paint import CLASSES, DigitsInTheWild
from genie_cli.errors import GenieError, ManifestError, OutputError, UsageError
from genie_cli.evaluate.results import lines
from genie_cli.longtail import prepare as preparing
from genie_cli.longtail.benchmark import Benchmark
from genie_cli.longtail.options import LongTailOptions
from genie_cli.longtail.prepare import prepare
from genie_cli.observer import Observer
from tests.conftest import tree

COUNTS = {"zero": 12, "one": 8, "two": 5, "three": 2, "four": 2}
LABELS = tuple(sorted(COUNTS))
CONFUSION = Confusion(labels=LABELS, matrix=tuple(tuple(1 for _ in LABELS) for _ in LABELS))
RECIPE = LongTail(
    thresholds="6,4", per_class=3, network="test_vit", epochs=2, warmup_epochs=1, batch=8, seeds=(0,), workers=0
)


class Told(Observer):
    """Keeps what it is told."""

    def __init__(self) -> None:
        self.words: list[str] = []

    def found(self, message: str) -> None:
        self.words.append(message)

    def left_out(self, reasons: Sequence[str]) -> None:
        self.words += reasons


@pytest.fixture(autouse=True)
def kept(_cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(_cache))


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A long-tailed training split with two Few classes, and a balanced test split."""
    root = tmp_path_factory.mktemp("tail") / "photos"
    for number, (label, count) in enumerate(COUNTS.items()):
        assert CLASSES[number] == label
        DigitsInTheWild("train").save_samples(root / "train", range(number, 10 * count, 10))
        DigitsInTheWild("test").save_samples(root / "test", range(number, 20, 10))
    return root


def settings_for(photos: Path, **generate: Any) -> Settings:
    model = Model(name="digits", slots=4)
    return Settings(longtail=RECIPE, model=model, generate=Generate(**generate)).model_copy(
        update={"data": Settings().data.model_copy(update={"dir": str(photos)})}
    )


def prepared(
    out: Path, settings: Settings, told: Observer | None = None, plan_only: bool = False, **options: Any
) -> Benchmark:
    given = frozenset(options.pop("given", ()))
    asked = LongTailOptions(**{"dataset": "folder", "out": out, **options})
    return prepare(asked, settings, given, told or Observer(), plan_only=plan_only)


def test_results_are_what_the_files_say(photos: Path, tmp_path: Path) -> None:
    told, out = Told(), tmp_path / "out"
    records = prepared(out, settings_for(photos), told, augment=("none",)).evaluate()
    assert [(record.augmentation, record.seed) for record in records] == [("none", 0), ("none", None)]
    assert (out / "results.jsonl").read_text() == lines(records)
    assert "no --checkpoint: test_vit starts from random weights" in told.words
    assert "5 classes, 29 training images, 12 to 2 per class: 2 Many, 1 Med, 2 Few (thresholds 6,4)" in told.words
    before = tree(tmp_path)
    assert prepared(out, settings_for(photos), augment=("none",)).evaluate() == records
    assert tree(tmp_path) == before


def test_confusions_are_measured_on_first_use_and_once(
    photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    measured = 0

    def from_sources(*arguments: object) -> Confusion:
        nonlocal measured
        measured += 1
        assert arguments[2:4] == ("digits", None)
        assert arguments[4] == 5
        return CONFUSION

    monkeypatch.setattr("genie_cli.confuse.cross_validation.from_sources", from_sources)
    bench = prepared(tmp_path / "out", settings_for(photos), augment=("none", "genie"), backbone="digits")
    assert bench.profile.counts == COUNTS
    assert bench.dataset.classes == LABELS
    assert bench.cost().added == {"none": 0, "genie r=0.8": 6}
    assert measured == 0
    assert bench.run
    assert len(list(bench.run.jobs)) == 6
    assert bench.run is bench.run
    assert measured == 1
    given = prepared(tmp_path / "out", settings_for(photos), augment=("genie",), confusion=CONFUSION)
    assert given.run
    assert [job.id for job in given.run.jobs] == [job.id for job in bench.run.jobs]
    without = prepared(tmp_path / "out", settings_for(photos), augment=("none", "txt2img"))
    assert without.confusion is None
    assert measured == 1
    assert not (tmp_path / "out").exists()


def test_a_class_with_one_image_gets_sources_by_what_its_image_is_taken_for(photos: Path, tmp_path: Path) -> None:
    own = Path(shutil.copytree(photos, tmp_path / "own"))
    for image in sorted((own / "train/two").iterdir())[1:]:
        image.unlink()
    bench = prepared(tmp_path / "out", settings_for(own), augment=("genie",), backbone="digits")
    assert bench.confusion
    row = bench.confusion.matrix[LABELS.index("two")]
    assert (sum(row), row[LABELS.index("two")]) == (1, 0)
    assert bench.confusion.how["single"] == ("two",)


def test_what_trainings_cost_is_numbers(photos: Path, tmp_path: Path) -> None:
    cost = prepared(tmp_path / "out", settings_for(photos), augment=("none", "img2img-l", "txt2img")).cost()
    # 29 real images are 3 batches of 8, with 6 more they are 4; 2 epochs, one seed.
    assert (cost.trainings, cost.epochs, cost.optimizer_steps) == (3, 2, 2 * (3 + 4 + 4))
    assert (cost.real_images, cost.batch, cost.micro_batch, cost.network) == (29, 8, 8, "test_vit")
    assert cost.added == {"none": 0, "img2img-l": 6, "txt2img": 6}
    assert cost.parameters > 10_000
    assert cost.memory > 4 * cost.parameters
    assert cost.seconds > 0
    assert not (tmp_path / "out").exists()


def test_genies_ratios_are_a_setting(photos: Path, tmp_path: Path) -> None:
    bench = prepared(
        tmp_path, settings_for(photos, r=(0.6, 0.7)), augment=("genie",), confusion=CONFUSION, plan_only=True
    )
    assert [augmentation.label for augmentation in bench.augmentations] == ["genie r=0.6", "genie r=0.7"]
    assert bench.run
    assert {job.r for job in bench.run.jobs} == {0.6, 0.7}


def test_defaults_of_a_data_set_apply_where_nobody_has_set_anything(tmp_path: Path) -> None:
    settings = Settings.model_validate({"longtail": {"epochs": 3, "mixup": 0.8}})
    bench = prepare(LongTailOptions("digits", tmp_path, ("none",)), settings, frozenset(), Observer())
    recipe = bench.trainings.recipe
    assert (recipe.network, recipe.warmup_epochs, recipe.batch, recipe.cutmix) == ("test_resnet", 2, 64, 0)
    assert (recipe.epochs, recipe.mixup) == (3, 0.8)
    assert bench.settings.model.name == "digits"
    assert (bench.trainings.preprocess.size, bench.trainings.preprocess.resize) == (32, 32)
    assert not bench.trainings.crops.flip


class TestOrderOfChecks:
    """What is wrong with the options is told before data are read."""

    @pytest.fixture
    def nothing_is_read(self, monkeypatch: pytest.MonkeyPatch) -> None:
        def fail(*arguments: object, **more: object) -> None:
            raise AssertionError("data were read, or a model looked for")

        monkeypatch.setattr(catalog, "load", fail)
        monkeypatch.setattr(preparing, "locate_model", fail)

    @pytest.mark.usefixtures("nothing_is_read")
    @pytest.mark.parametrize(
        ("options", "settings", "kind", "complaint"),
        [
            ({"dataset": "digit"}, {}, UsageError, "did you mean digits?"),
            ({"augment": ("geni",)}, {}, UsageError, "did you mean genie?"),
            ({"out": Path("file")}, {}, OutputError, "file cannot be a folder"),
            ({"out": Path("mine")}, {}, OutputError, "results.csv was not written by genie"),
            ({"out": Path("matrix")}, {}, OutputError, "confusion.json"),
            ({}, {"model": {"device": "gpu"}}, UsageError, "'gpu'"),
            ({}, {"longtail": {"network": "foo"}}, UsageError, "timm has no network 'foo'"),
            ({"backbone": "resnet5O"}, {}, UsageError, "'resnet5O'"),
            ({}, {"longtail": {"thresholds": "20,100"}}, UsageError, "'20,100'"),
            ({}, {"longtail": {"epochs": 2, "warmup_epochs": 2}}, UsageError, "leaves none of --epochs 2"),
            ({"manifests": ("nowhere.jsonl",)}, {}, ManifestError, "nowhere.jsonl: does not exist"),
            ({"given": {"data.dir"}}, {"data": {"dir": "."}}, UsageError, "leave out --data-dir"),
        ],
    )
    def test_options_before_data(
        self,
        tmp_path: Path,
        monkeypatch: pytest.MonkeyPatch,
        options: dict[str, Any],
        settings: dict[str, Any],
        kind: type[GenieError],
        complaint: str,
    ) -> None:
        monkeypatch.chdir(tmp_path)
        (tmp_path / "file").write_text("")
        for folder, name in (("mine", "results.csv"), ("matrix", "confusion.json")):
            (tmp_path / folder).mkdir()
            (tmp_path / folder / name).write_text("dataset,network,mine\n")
        given = {"out": Path("out"), "dataset": "digits", **options}
        with pytest.raises(kind) as refused:
            prepared(settings=Settings.model_validate(settings), **given)
        assert complaint in str(refused.value)

    def test_that_no_class_needs_images_is_told_before_a_confusion_is_measured(
        self, photos: Path, tmp_path: Path
    ) -> None:
        full = settings_for(photos).model_copy(update={"longtail": RECIPE.model_copy(update={"fill_to": 2})})
        with pytest.raises(UsageError, match="no class needs images"):
            prepared(tmp_path, full, augment=("genie",))
        prepared(tmp_path, full, augment=("none",))


def test_only_one_process_of_several_writes(photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bench = prepared(tmp_path / "out", settings_for(photos), augment=("none",))
    monkeypatch.setenv("RANK", "1")
    bench.evaluate()
    assert not (tmp_path / "out/results.csv").exists()


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        ({"augment": ("none", "txt2img")}, "only one should make images"),
        ({"augment": ("txt2img",), "manifests": ("-",)}, "only one should make images"),
        ({"augment": ("genie",), "manifests": ("m.jsonl",)}, "only one should measure which classes are confused"),
        ({"augment": ("genie",), "manifests": ("m.jsonl",), "confusion": CONFUSION}, ""),
        ({"augment": ("none",)}, ""),
    ],
)
def test_several_processes_do_not_do_what_one_should(
    photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, options: dict[str, Any], complaint: str
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("m.jsonl").write_text('{"kind":"genie.manifest","schema":1}\n')
    two = SimpleNamespace(num_processes=2, process_index=0, is_main_process=True, mixed_precision="no")
    monkeypatch.setattr("genie_cli.longtail.trainings.accelerator_for", lambda *_: two)
    if not complaint:
        prepared(Path("out"), settings_for(photos), **options)
        return
    with pytest.raises(UsageError, match=complaint):
        prepared(Path("out"), settings_for(photos), **options)
