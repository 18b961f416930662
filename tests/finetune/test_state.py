"""A state or a result is used as it was written, or not at all; what cannot be read is told from what is damaged."""

from __future__ import annotations

import hashlib
import json
import os
import resource
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from genie_cli.errors import OutputError
from genie_cli.finetune.state import Measured, SavedState, TrainingState
from tests.damage import flipped
from tests.finetune.test_training import Told

CPU = torch.device("cpu")
SETTINGS = {"seed": 0, "base_lr": 0.001}
STATE = SavedState(
    epoch=2, network={"weight": torch.arange(6.0)}, optimizer={"state": {0: {"step": torch.tensor(2.0)}}}, scaler={}
)
ACCURACY = {"cat": 0.25, "dög": 1.0}
MEASURED = Measured(ACCURACY, (0, 1, 1, 1, 1))


def same(one: SavedState, other: SavedState) -> bool:
    return (
        (one.epoch, one.scaler) == (other.epoch, other.scaler)
        and one.network.keys() == other.network.keys()
        and all(torch.equal(one.network[key], other.network[key]) for key in one.network)
        and torch.equal(one.optimizer["state"][0]["step"], other.optimizer["state"][0]["step"])
    )


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """The content of each file."""
    folder = tmp_path_factory.mktemp("whole")
    TrainingState(folder, SETTINGS).save(STATE)
    saved = (folder / "state.pt").read_bytes()
    TrainingState(folder, SETTINGS).finish(torch.nn.Linear(1, 1), MEASURED)
    assert sorted(path.name for path in folder.iterdir()) == ["network.safetensors", "result.json"]
    return {"state.pt": saved, "result.json": (folder / "result.json").read_bytes()}


def loaded(folder: Path, content: bytes) -> tuple[SavedState | None, list[str]]:
    (folder / "state.pt").write_bytes(content)
    told = Told()
    return TrainingState(folder, SETTINGS, told).load(CPU), told.words


def result(folder: Path, content: bytes) -> tuple[Measured | None, list[str]]:
    (folder / "result.json").write_bytes(content)
    told = Told()
    return TrainingState(folder, SETTINGS, told).result(list(ACCURACY), 5), told.words


def test_what_was_saved_is_loaded(tmp_path: Path, files: dict[str, bytes]) -> None:
    assert TrainingState(tmp_path, SETTINGS).load(CPU) is None
    assert TrainingState(tmp_path, SETTINGS).result(list(ACCURACY), 5) is None
    saved, told = loaded(tmp_path, files["state.pt"])
    assert saved
    assert same(saved, STATE)
    assert result(tmp_path, files["result.json"]) == (MEASURED, [])
    assert told == []


class TestDamage:
    def test_no_flipped_byte_of_a_state_is_overlooked(self, tmp_path: Path, files: dict[str, bytes]) -> None:
        whole = files["state.pt"]
        for place in (*range(100), *range(100, len(whole), 7)):
            saved, told = loaded(tmp_path, flipped(whole, place))
            assert saved is None
            (said,) = told
            assert said.startswith(
                f"{tmp_path / 'state.pt'} is damaged, or of an earlier version: this training starts"
            )

    def test_nor_a_cut(self, tmp_path: Path, files: dict[str, bytes]) -> None:
        whole = files["state.pt"]
        for end in (*range(100), *range(100, len(whole), 11)):
            saved, told = loaded(tmp_path, whole[:end])
            assert saved is None
            assert len(told) == 1

    def test_what_is_no_state_is_not_read_into_memory(self, tmp_path: Path) -> None:
        (tmp_path / "state.pt").touch()
        os.truncate(tmp_path / "state.pt", 1 << 40)
        told = Told()
        assert TrainingState(tmp_path, SETTINGS, told).load(CPU) is None
        assert len(told.words) == 1

    def test_no_flipped_byte_of_a_result_is_overlooked(self, tmp_path: Path, files: dict[str, bytes]) -> None:
        whole = files["result.json"]
        for place in range(len(whole)):
            found, told = result(tmp_path, flipped(whole, place))
            assert (found, told) == (MEASURED, []) or (found is None and len(told) == 1)  # white space says nothing

    def test_nor_a_cut_of_it(self, tmp_path: Path, files: dict[str, bytes]) -> None:
        whole = files["result.json"]
        for end in range(len(whole) - 1):
            found, told = result(tmp_path, whole[:end])
            assert (found, len(told)) == (None, 1)

    @settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
    @given(
        st.recursive(
            st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=3),
            lambda inner: (
                st.lists(inner, max_size=2)
                | st.dictionaries(
                    st.sampled_from(["what", "accuracy", "predicted", "sha256", "cat"]), inner, max_size=3
                )
            ),
            max_leaves=6,
        )
    )
    def test_nothing_else_is_a_result(self, tmp_path: Path, content: Any) -> None:
        with suppress(OutputError):  # other settings
            found, told = result(tmp_path, json.dumps(content).encode())
            assert (found, len(told)) == (None, 1)

    @pytest.mark.parametrize("value", ["NaN", "-0.1", "1.1", "1e300", "true", "null", '"0.5"', "[]", "1e999"])
    def test_what_is_no_accuracy_is_refused(self, tmp_path: Path, value: str) -> None:
        content = f'{{"what": {json.dumps(SETTINGS)}, "accuracy": {{"cat": 0.5, "dög": {value}}}}}'
        found, (said,) = result(tmp_path, content.encode())
        assert found is None
        assert (
            said
            == f"{tmp_path / 'result.json'} is not what genie writes: it is not used, and this training is done again"
        )

    @pytest.mark.parametrize("accuracy", [{"cat": 0.5}, {"cat": 0.5, "dög": 1, "owl": 0}, {}])
    def test_a_missing_or_unknown_class_is_refused(self, tmp_path: Path, accuracy: dict[str, float]) -> None:
        found, (said,) = result(tmp_path, json.dumps({"what": SETTINGS, "accuracy": accuracy}).encode())
        assert found is None
        assert "does not have the accuracy of each class, and no other" in said

    def test_a_result_of_an_earlier_version_is_accepted(self, tmp_path: Path) -> None:
        content = json.dumps({"what": SETTINGS, "accuracy": ACCURACY}).encode()
        assert result(tmp_path, content) == (Measured(ACCURACY), [])

    def test_and_so_is_one_with_a_hash_and_without_predictions(self, tmp_path: Path) -> None:
        content = json.dumps({"what": SETTINGS, "accuracy": ACCURACY}, sort_keys=True).encode()
        earlier = {**json.loads(content), "sha256": hashlib.sha256(content).hexdigest()}
        assert result(tmp_path, json.dumps(earlier).encode()) == (Measured(ACCURACY), [])

    @pytest.mark.parametrize("predicted", [[], [0] * 4, [0] * 6, [0, 1, 2, 0, 0], [10**30] * 5])
    def test_a_class_for_each_test_image_or_no_result(self, tmp_path: Path, predicted: list[int]) -> None:
        found, (said,) = result(
            tmp_path, json.dumps({"what": SETTINGS, "accuracy": ACCURACY, "predicted": predicted}).encode()
        )
        assert found is None
        assert "does not have a class for each test image" in said

    @pytest.mark.parametrize("value", ["-1", "0.5", "true", "null", '"0"', "[]", "NaN"])
    def test_what_is_no_class_is_refused(self, tmp_path: Path, value: str) -> None:
        content = f'{{"what": {json.dumps(SETTINGS)}, "accuracy": {json.dumps(ACCURACY)}, "predicted": [0, {value}]}}'
        found, (said,) = result(tmp_path, content.encode())
        assert found is None
        assert "is not what genie writes" in said


def test_other_settings_are_refused(tmp_path: Path, files: dict[str, bytes]) -> None:
    for name, content in files.items():
        (tmp_path / name).write_bytes(content)
    other = TrainingState(tmp_path, {**SETTINGS, "seed": 1})
    with pytest.raises(OutputError, match=r"was trained with other settings:\n  seed: 0 -> 1"):
        other.load(CPU)
    with pytest.raises(OutputError, match=r"was trained with other settings:\n  seed: 0 -> 1"):
        other.result(list(ACCURACY), 5)


class TestUnusable:
    @pytest.mark.parametrize("kind", ["a folder", "a named pipe", "a device"])
    def test_what_is_no_file_is_named(self, tmp_path: Path, kind: str) -> None:
        for name in ("state.pt", "result.json"):
            place = tmp_path / name
            if kind == "a folder":
                place.mkdir()
            elif kind == "a named pipe":
                os.mkfifo(place)
            else:
                place.symlink_to("/dev/zero")
        state = TrainingState(tmp_path, SETTINGS)
        with pytest.raises(OutputError, match=rf"state\.pt cannot be read: it is {kind}"):
            state.load(CPU)
        with pytest.raises(OutputError, match=rf"result\.json cannot be read: it is {kind}"):
            state.result(list(ACCURACY), 5)

    @pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
    def test_no_permission_is_no_damage(self, tmp_path: Path, files: dict[str, bytes]) -> None:
        for name, content in files.items():
            (tmp_path / name).write_bytes(content)
            (tmp_path / name).chmod(0)
        state = TrainingState(tmp_path, SETTINGS)
        with pytest.raises(OutputError, match=r"state\.pt cannot be read: Permission denied"):
            state.load(CPU)
        with pytest.raises(OutputError, match=r"result\.json cannot be read: Permission denied"):
            state.result(list(ACCURACY), 5)

    def test_a_full_disk_keeps_the_state_that_was_there(self, tmp_path: Path) -> None:
        state = TrainingState(tmp_path, SETTINGS)
        state.save(STATE)
        large = STATE.model_copy(update={"epoch": 3, "network": {"weight": torch.zeros(100_000)}})
        with limited(50_000), pytest.raises(OutputError, match=r"cannot write .*state\.pt: File too large"):
            state.save(large)
        saved = state.load(CPU)
        assert saved
        assert same(saved, STATE)
        assert [path.name for path in tmp_path.iterdir()] == ["state.pt"]


@contextmanager
def limited(size: int) -> Iterator[None]:
    """No file may become larger than ``size`` bytes."""
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, limits[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)


def test_no_link_that_waits_is_written_through(tmp_path: Path) -> None:
    (tmp_path / "theirs").write_text("mine")
    for name in ("state.pt", "network.safetensors", "result.json"):
        (tmp_path / name).symlink_to(tmp_path / "theirs")
    state = TrainingState(tmp_path, SETTINGS)
    state.save(STATE)
    assert not (tmp_path / "state.pt").is_symlink()
    state.finish(torch.nn.Linear(1, 1), MEASURED)
    assert (tmp_path / "theirs").read_text() == "mine"
    assert state.result(list(ACCURACY), 5) == MEASURED
