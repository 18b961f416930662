"""A run as a program calls it: what is checked first, where settings come from, and whose files are replaced."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from genie_cli.config import FewShot, Generate, Model, Settings
from genie_cli.data import catalog
from genie_cli.errors import GenieError, ManifestError, OutputError, UsageError
from genie_cli.evaluate.results import lines
from genie_cli.fewshot import prepare as preparing
from genie_cli.fewshot.benchmark import Benchmark
from genie_cli.fewshot.options import FewShotOptions
from genie_cli.fewshot.prepare import prepare
from genie_cli.fewshot.task import AS_AUTHORS, FEWSHOT, FINEGRAINED, Task
from genie_cli.observer import Observer
from tests.conftest import tree

SMALL = FewShot(shots=(1,), ways=2, queries=3, episodes=2)


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


def prepared(
    out: Path, task: Task = FEWSHOT, settings: Settings | None = None, told: Observer | None = None, **options: Any
) -> Benchmark:
    given = frozenset(options.pop("given", ()))
    plan_only = options.pop("plan_only", False)
    asked = FewShotOptions(**{"dataset": "digits", "out": out, **options})
    settings = settings or Settings(fewshot=SMALL)
    return prepare(task, asked, settings, given, told or Observer(), plan_only=plan_only)


def test_results_are_what_the_files_say(tmp_path: Path) -> None:
    told = Told()
    records = prepared(tmp_path / "out", told=told, augment=("none", "weak")).evaluate()
    assert [record.augmentation for record in records] == ["none", "weak"]
    assert (tmp_path / "out/results.jsonl").read_text() == lines(records)
    assert not told.words
    before = tree(tmp_path)
    assert prepared(tmp_path / "out", augment=("none", "weak")).evaluate() == records
    assert tree(tmp_path) == before


def test_nothing_is_written_before_it_is_evaluated(tmp_path: Path) -> None:
    settings = Settings(fewshot=SMALL, model=Model(slots=4))
    bench = prepared(tmp_path / "out", settings=settings, augment=("weak", "genie"), plan_only=True)
    assert bench.run
    assert len(list(bench.run.jobs)) == 4
    assert next(bench.run.lines()).startswith('{"kind":"genie.plan"')
    assert prepared(tmp_path / "out", augment=("weak",)).run is None
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("generate", "labels"),
    [
        (Generate(), ["genie r=0.8"]),
        (Generate(r=(0.6, 0.7)), ["genie r=0.6", "genie r=0.7"]),
        (Generate(r=(0.6,), method="txt2img"), ["genie r=0.6"]),  # of other commands
    ],
)
def test_genies_ratios_are_a_setting(tmp_path: Path, generate: Generate, labels: list[str]) -> None:
    bench = prepared(tmp_path, settings=Settings(fewshot=SMALL, generate=generate), augment=("genie",), plan_only=True)
    assert [augmentation.label for augmentation in bench.augmentations] == labels
    assert bench.run
    assert {f"genie r={job.r:g}" for job in bench.run.jobs} == set(labels)


class TestDefaultsOfADataSet:
    def test_they_apply_where_nobody_has_set_anything(self, tmp_path: Path) -> None:
        told = Told()
        bench = prepared(tmp_path, FINEGRAINED, Settings(), told, augment=("none",))
        assert (bench.settings.finegrained.ways, bench.settings.model.name, bench.network) == (5, "digits", "digits")
        assert [word for word in told.words if "5-way, not 20" in word]

    def test_a_setting_comes_before_them_and_is_not_remarked_on(self, tmp_path: Path) -> None:
        told = Told()
        settings = Settings.model_validate({"finegrained": {"ways": 4}})
        bench = prepared(tmp_path, FINEGRAINED, settings, told, augment=("none",))
        assert bench.settings.finegrained.ways == 4
        assert not told.words

    def test_nor_are_they_where_a_list_decides(self, tmp_path: Path) -> None:
        drawn = prepared(
            tmp_path, FINEGRAINED, Settings.model_validate({"finegrained": {"ways": 3}}), augment=("none",)
        )
        (tmp_path / "list.jsonl").write_text(drawn.lists[0].text)
        told = Told()
        bench = prepared(
            tmp_path, FINEGRAINED, Settings(), told, augment=("none",), episode_lists=(tmp_path / "list.jsonl",)
        )
        assert bench.lists == drawn.lists
        assert not told.words


class TestOrderOfChecks:
    """What is wrong with the options is told before data are read, and no model is looked for before that."""

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
            ({"baseline": "strong", "augment": ("weak",)}, {}, UsageError, "--baseline strong"),
            ({"out": Path("file")}, {}, OutputError, "file cannot be a folder"),
            ({"out": Path("mine")}, {}, OutputError, "results.csv was not written by genie"),
            ({}, {"model": {"device": "gpu"}}, UsageError, "'gpu'"),
            ({"backbone": "resnet5O"}, {}, UsageError, "'resnet5O'"),
            ({"dataset": "mini"}, {"data": {"dir": "."}}, UsageError, "--backbone"),
            ({"manifests": ("nowhere.jsonl",)}, {}, ManifestError, "nowhere.jsonl: does not exist"),
            ({"episode_lists": (Path("nowhere.jsonl"),)}, {}, UsageError, "nowhere.jsonl cannot be read"),
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
        (tmp_path / "mine").mkdir()
        (tmp_path / "mine/results.csv").write_text("dataset,backbone,mine\n")
        with pytest.raises(kind) as refused:
            prepared(settings=Settings.model_validate(settings), **{"out": Path("out"), **options})
        assert complaint in str(refused.value)

    def test_a_plan_needs_no_backbone_and_leaves_no_results(self, tmp_path: Path) -> None:
        (tmp_path / "results.csv").write_text("mine")
        bench = prepared(tmp_path, augment=("genie",), plan_only=True)
        assert bench.run
        with pytest.raises(OutputError, match=r"results\.csv"):
            prepared(tmp_path, augment=("genie",))


class TestWhoseFiles:
    def test_an_episode_list_that_was_edited_is_refused(self, tmp_path: Path) -> None:
        prepared(tmp_path, augment=("none",)).evaluate()
        (listed,) = tmp_path.glob("episodes-*.jsonl")
        again = prepared(tmp_path, augment=("none",), episode_lists=(listed,))
        assert again.lists[0].text == listed.read_text()
        listed.write_text(listed.read_text() + "\n")
        with pytest.raises(OutputError, match=r"shot\.jsonl was not written by genie, or has been edited since"):
            prepared(tmp_path, augment=("none",))

    def test_a_list_of_somebody_elses_may_be_run_where_it_lies(self, tmp_path: Path) -> None:
        drawn = prepared(tmp_path, augment=("none",)).lists[0]
        (tmp_path / drawn.file_name).write_text(drawn.text)
        prepared(tmp_path, augment=("none",), episode_lists=(tmp_path / drawn.file_name,)).evaluate()
        assert (tmp_path / drawn.file_name).read_text() == drawn.text

    def test_a_file_that_appears_meanwhile_stays(self, tmp_path: Path) -> None:
        bench = prepared(tmp_path, augment=("none",))
        (tmp_path / "results.csv").write_text("mine")
        with pytest.raises(OutputError, match=r"results\.csv"):
            bench.evaluate()
        assert (tmp_path / "results.csv").read_text() == "mine"

    def test_only_one_process_of_several_writes(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        bench = prepared(tmp_path / "out", augment=("none",))
        monkeypatch.setenv("RANK", "1")
        assert bench.evaluate()
        assert not (tmp_path / "out").exists()


def test_a_missing_image_is_named_before_anything_is_evaluated(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "m.jsonl").write_text('{"kind":"genie.manifest","schema":1}\n')
    bench = prepared(tmp_path / "out", augment=("weak", "txt2img", "genie"), manifests=(str(tmp_path / "m.jsonl"),))
    assert bench.run is None
    monkeypatch.setattr(Benchmark, "_outcomes", lambda *_: pytest.fail("it was evaluated"))
    with pytest.raises(UsageError, match="8 generated images that are needed are not in the manifests"):
        bench.evaluate()


def test_the_papers_figures_are_for_what_was_measured_alike(tmp_path: Path) -> None:
    bench = prepared(tmp_path, augment=("none",))

    def alike(steps: int | None = 50, settings: Settings = bench.settings, **options: Any) -> tuple[str, int | None]:
        """The conditions of a run with a checkpoint, but for these options."""
        asked = replace(bench.options, **{"checkpoint": Path("encoder.pth"), **options})
        found = replace(bench, options=asked, settings=settings)._conditions("digits@1", steps)
        return found.paper_backbone, found.steps

    svm = Settings(fewshot=SMALL.model_copy(update={"classifier": "svm"}))
    assert alike() == ("digits", 50)
    assert alike(20) == ("digits", 20)
    assert alike(None) == ("digits", None)
    assert alike(partial=True) == alike(settings=svm) == alike(checkpoint=None) == ("", 50)
    assert alike(soft_labels=True) == ("", 50)
    bench = replace(bench, needs=replace(bench.needs, added=4))
    assert alike() == ("", 50)
    bench = replace(bench, needs=replace(bench.needs, added=0), protocol=AS_AUTHORS)
    assert alike() == ("", 50)


def test_the_papers_dinov2_needs_no_checkpoint(tmp_path: Path) -> None:
    bench = prepared(tmp_path, task=FINEGRAINED, settings=Settings(), augment=("none",))
    assert bench._conditions("digits@1", 50).paper_backbone == "digits"
    other = replace(bench, options=replace(bench.options, checkpoint=Path("encoder.pth")))
    assert other._conditions("digits@1", 50).paper_backbone == ""
