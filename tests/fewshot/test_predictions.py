"""The file of predictions: read back as written, resumed from, and of no use for anything but what it was made of."""

from __future__ import annotations

import json
import tempfile
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from genie_cli.backbones import load as loading
from genie_cli.backbones.backbone import Backbone
from genie_cli.config import FewShot, Settings
from genie_cli.errors import OutputError
from genie_cli.evaluate import results
from genie_cli.evaluate.augmentations import Augmentation, AugmentationName, choose
from genie_cli.fewshot.episodes import EpisodeList, EpisodeSpec, draw
from genie_cli.fewshot.evaluator import FewShotEvaluator, Outcome, truth
from genie_cli.fewshot.predictions import Predictions, file_name
from genie_cli.files.reading import sha256_of
from tests.conftest import Genie, tree
from tests.fewshot.colours import generate
from tests.fewshot.test_benchmark import SMALL, kept, prepared
from tests.fewshot.test_episodes import a_pool

__all__ = ["kept"]  # a fixture

SPEC = EpisodeSpec(ways=3, shots=1, queries=2)
LISTED = EpisodeList.of(SPEC, draw(a_pool(), SPEC, 4), "pets")
AUGMENTATIONS = [*choose(list(AugmentationName), [0.6, 0.8]), *choose([AugmentationName.GENIE_ADA], [], probe=True)]
FILE = "predictions-2-way-1-shot.jsonl"


@st.composite
def outcomes(pick: st.DrawFn) -> Outcome:
    predicted = [np.array(pick(st.lists(st.integers(0, 2), min_size=6, max_size=6))) for _ in LISTED.episodes]
    pairs = zip(predicted, LISTED.episodes, strict=True)
    accuracies = np.array([(found == truth(episode)).mean() for found, episode in pairs])
    chosen = pick(st.dictionaries(st.sampled_from([0.5, 0.6, 0.7, 0.8, 0.9]), st.integers(1, 50)))
    share = st.floats(0, 1)
    return Outcome(pick(st.sampled_from(AUGMENTATIONS)), predicted, accuracies, 20 * pick(share), pick(share), chosen)


def same(one: Outcome | None, other: Outcome) -> bool:
    assert one is not None
    parts = (one.augmentation, one.added, one.rejected, list(one.chosen.items()))
    assert parts == (other.augmentation, other.added, other.rejected, list(other.chosen.items()))
    assert one.accuracies.tolist() == other.accuracies.tolist()
    return [found.tolist() for found in one.predicted] == [found.tolist() for found in other.predicted]


@settings(max_examples=20)
@given(st.lists(outcomes(), min_size=1, max_size=4, unique_by=lambda outcome: outcome.augmentation.label))
def test_what_is_written_is_read_back(given_outcomes: list[Outcome]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        written = Predictions.read(Path(folder), LISTED)
        for place, outcome in enumerate(given_outcomes):
            written.add(outcome, f"{place:064x}")
        read = Predictions.read(Path(folder), LISTED)
        assert read.labels == [outcome.augmentation.label for outcome in given_outcomes]
        for place, outcome in enumerate(given_outcomes):
            label = outcome.augmentation.label
            assert same(read.find(outcome.augmentation, f"{place:064x}"), outcome)
            assert read.find(outcome.augmentation, "f" * 64) is None
            assert [own.tolist() for own in read.predicted(label) or ()] == [own.tolist() for own in outcome.predicted]
        assert read.predicted("of another name") is None
        other = EpisodeList.of(SPEC, LISTED.episodes[:2], "pets")
        assert file_name(other) == file_name(LISTED)
        assert Predictions.read(Path(folder), other).labels == []


class TestResuming:
    @pytest.fixture
    def ran(self, monkeypatch: pytest.MonkeyPatch) -> list[str]:
        """The augmentations that were run, in their order; "stop" in it stops the next."""
        ran: list[str] = []
        whole: Callable[..., Outcome] = FewShotEvaluator.run

        def noted(self: FewShotEvaluator, augmentation: Augmentation, *more: Any) -> Outcome:
            if "stop" in ran:
                raise KeyboardInterrupt
            ran.append(augmentation.label)
            return whole(self, augmentation, *more)

        monkeypatch.setattr(FewShotEvaluator, "run", noted)
        return ran

    def test_a_run_that_was_stopped_goes_on_and_ends_as_if_it_had_not_been(
        self, tmp_path: Path, ran: list[str], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        names = ("none", "weak", "strong")
        undisturbed = prepared(tmp_path / "whole", augment=names).evaluate()
        ran.clear()
        whole: Callable[..., None] = Predictions.add

        def stopping(self: Predictions, outcome: Outcome, made_of: str) -> None:
            whole(self, outcome, made_of)
            if outcome.augmentation.label == "weak":
                ran.append("stop")

        with monkeypatch.context() as patch:
            patch.setattr(Predictions, "add", stopping)
            with pytest.raises(KeyboardInterrupt):
                prepared(tmp_path / "out", augment=names).evaluate()
        assert ran == ["none", "weak", "stop"]
        assert not (tmp_path / "out/results.csv").exists()
        ran.clear()
        assert prepared(tmp_path / "out", augment=names).evaluate() == undisturbed
        assert ran == ["strong"]
        both = [{name: digest for name, digest in tree(tmp_path / out).items() if not name.startswith(".genie")}
                for out in ("whole", "out")]  # fmt: skip
        assert both[0] == both[1]

    def test_what_is_known_stays_when_others_are_asked_for(self, tmp_path: Path, ran: list[str]) -> None:
        first = prepared(tmp_path / "out", augment=("none", "weak")).evaluate()
        prepared(tmp_path / "out", augment=("strong",)).evaluate()
        again = prepared(tmp_path / "out", augment=("weak", "none")).evaluate()
        assert sorted(map(repr, again)) == sorted(map(repr, first))
        assert ran == ["none", "weak", "strong"]

    def test_each_number_of_shots_has_its_own(self, tmp_path: Path, ran: list[str]) -> None:
        both = Settings(fewshot=SMALL.model_copy(update={"shots": (1, 2)}))
        prepared(tmp_path / "out", settings=both, augment=("none",)).evaluate()
        prepared(tmp_path / "out", augment=("none", "weak")).evaluate()
        assert ran == ["none", "none", "weak"]
        assert {path.name for path in (tmp_path / "out").glob("predictions-*")} == {FILE, FILE.replace("1-s", "2-s")}

    @pytest.mark.parametrize(
        "change",
        [
            {"settings": Settings(fewshot=SMALL.model_copy(update={"classifier": "prototype"}))},
            {"settings": Settings(fewshot=SMALL.model_copy(update={"added": 2}))},
            {"settings": Settings(fewshot=SMALL.model_copy(update={"queries": 4}))},
            {"settings": Settings.model_validate({"fewshot": SMALL.model_dump(), "generate": {"seed": 1}})},
            {"settings": Settings.model_validate({"fewshot": SMALL.model_dump(), "data": {"pool": 1}})},
            {"dataset": "digits-negatives"},
            {"as_authors": True},
            {"backbone": "another"},
        ],
        ids=str,
    )
    def test_whatever_decides_them_makes_them_anew(
        self, tmp_path: Path, ran: list[str], monkeypatch: pytest.MonkeyPatch, change: dict[str, Any]
    ) -> None:
        names = ("none", "weak")
        prepared(tmp_path / "out", augment=names).evaluate()
        before = (tmp_path / "out" / FILE).read_text()
        ran.clear()
        prepared(tmp_path / "out", augment=names).evaluate()
        assert ran == []
        if change.pop("backbone", ""):
            load: Callable[..., Backbone] = loading.load
            monkeypatch.setattr(loading, "load", lambda *words: replace(load(*words), name="digits@of-other-weights"))
        records = prepared(tmp_path / "out", augment=names, **change).evaluate()
        assert ran == ["none", "weak"]
        assert (tmp_path / "out" / FILE).read_text() != before
        assert records == prepared(tmp_path / "fresh", augment=names, **change).evaluate()

    def test_so_does_another_protocol_on_the_same_episodes(self, tmp_path: Path, ran: list[str]) -> None:
        bench = prepared(tmp_path / "out", augment=("none", "strong"))
        bench.evaluate()
        for change in ({"flip_vertically": True}, {"crops": 4}, {"center_crop": True}):
            ran.clear()
            replace(bench, protocol=replace(bench.protocol, **change)).evaluate()
            assert ran == ["none", "strong"]

    def test_so_does_another_generated_image_or_verdict(self, tmp_path: Path, ran: list[str]) -> None:
        planned = prepared(tmp_path / "out", augment=("txt2img",), plan_only=True)
        jobs = list(planned.run.jobs if planned.run else ())

        def gray(shade: int, **oracle: Any) -> str:
            def draw_gray(_: object, path: Path) -> str:
                path.parent.mkdir(parents=True, exist_ok=True)
                Image.new("L", (32, 32), shade).convert("RGB").save(path)
                return sha256_of(path)

            folder = tmp_path / f"gray-{shade}-{len(oracle)}"
            generate(jobs, folder, draw_gray, lambda _: oracle or None)
            return str(folder / "m.jsonl")

        for name in (gray(40), gray(40), gray(90), gray(90, accepted=True), gray(90, accepted=False)):
            prepared(tmp_path / "out", augment=("weak", "txt2img"), manifests=(name,)).evaluate()
        # As accepted as without a verdict: nothing that matters has changed.
        assert Counter(ran) == {"weak": 1, "txt2img": 3}


class TestOfOtherOrigin:
    def test_an_edited_file_is_refused_before_anything_is_run(self, genie: Genie, tmp_path: Path) -> None:
        words = (
            "fewshot",
            "--shots",
            1,
            "--ways",
            2,
            "--queries",
            3,
            "--episodes",
            2,
            "--augment",
            "none",
            "--out",
            "o",
        )
        assert genie(*words).exit_code == 0
        file = tmp_path / "o" / FILE
        whole = file.read_text()
        for damaged in (whole[:-20], whole.replace('"added":0.0', '"added":1.0'), "", "{}\n", whole + "\n"):
            file.write_text(damaged)
            before = tree(tmp_path / "o")
            refused = genie(*words)
            assert refused.exit_code == 1
            said = " ".join(refused.stderr.split())
            assert f"{FILE} was not written by genie, or has been edited since" in said
            assert "Traceback" not in said
            assert tree(tmp_path / "o") == before
        file.write_text(whole)
        assert genie(*words).exit_code == 0

    @pytest.mark.parametrize(
        ("damage", "reason"),
        [
            (lambda _: "", "it is damaged"),
            (lambda lines: "\n".join([*lines[:-1], lines[-1][:-9]]), "it is damaged"),
            (lambda lines: "\n".join([lines[0], json.dumps({**json.loads(lines[1]), "predicted": [[0] * 6]})]),
             "none lacks predictions of some episodes"),
            (lambda lines: "\n".join([lines[0].replace('"schema":1', '"schema":2'), *lines[1:]]), "it is damaged"),
        ],
        ids=["empty", "cut off", "an episode short", "of another version"],
    )  # fmt: skip
    def test_a_damaged_file_says_so_even_if_genie_wrote_it(
        self, tmp_path: Path, damage: Callable[[list[str]], str], reason: str
    ) -> None:
        plain = [np.zeros(6, np.int64)] * 4
        Predictions.read(tmp_path, LISTED).add(
            Outcome(Augmentation(AugmentationName.NONE), plain, np.zeros(4), 0, 0), "0" * 64
        )
        name = file_name(LISTED)
        results.write(tmp_path, {name: damage((tmp_path / name).read_text().splitlines())})
        with pytest.raises(OutputError, match=f"{name} cannot be read: {reason}") as refused:
            Predictions.read(tmp_path, LISTED)
        assert refused.value.hint == "delete it, and run again"


def test_the_file_has_what_every_query_image_was_taken_for(tmp_path: Path) -> None:
    """Accuracies follow from it and the list of episodes, in which queries stand class by class."""
    records = prepared(
        tmp_path, settings=Settings(fewshot=FewShot(shots=(1,), episodes=5)), augment=("none",)
    ).evaluate()
    head, row = (json.loads(line) for line in (tmp_path / "predictions-5-way-1-shot.jsonl").read_text().splitlines())
    assert head == {"kind": "genie.predictions", "schema": 1, "episode_list": records[0].episode_list}
    right = np.array(row["predicted"]).reshape(5, 5, 15) == np.arange(5)[:, None]
    assert 100 * right.mean() == pytest.approx(records[0].accuracy, abs=1e-4)
    means = 100 * right.mean(axis=(1, 2))
    assert records[0].interval == pytest.approx(1.96 * means.std(ddof=1) / 5**0.5, abs=1e-3)
