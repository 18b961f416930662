"""Whatever is in a checkpoint or a model's folder, only genie's own errors come out, with the true cause."""

from __future__ import annotations

import os
import pickle
import warnings
import zipfile
from pathlib import Path
from typing import Any

import pytest
import timm
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.torch import save_file

from genie_cli.backbones import checkpoint, digits
from genie_cli.backbones.load import load, load_classifier
from genie_cli.backbones.trainable import NetworkSpec, build
from genie_cli.errors import ModelError, said
from tests.damage import damaged, only_our_errors

NAME, HEAD = "test_efficientnet", "classifier.weight"
UNSAFE = ("weights_only", "safe_globals", "trust_remote_code", "allow_pickle", "trusted source", "arbitrary code")


def weights(**more: Any) -> dict[str, torch.Tensor]:
    torch.manual_seed(0)
    return {**timm.create_model(NAME, num_classes=3).state_dict(), **more}


CONTENT = weights()


def file_bytes(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    path = tmp_path_factory.mktemp("whole") / "whole.pth"
    torch.save({"model": {"a.weight": torch.ones(3), "b.bias": torch.zeros(2)}, "epoch": 1}, path)
    return path.read_bytes()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("bytes")
    (path / "whole.pth").write_bytes(file_bytes(tmp_path_factory))
    save_file({"a.weight": torch.ones(3), "b.bias": torch.zeros(2)}, path / "whole.safetensors")
    return path


@settings(max_examples=200)
@given(st.data())
def test_damaged_files(folder: Path, choose: st.DataObject) -> None:
    whole = folder / choose.draw(st.sampled_from(["whole.pth", "whole.safetensors"]))
    file = folder / f"damaged{whole.suffix}"
    file.write_bytes(choose.draw(damaged(whole.read_bytes())))
    refused = only_our_errors(lambda: checkpoint.weights(checkpoint.read(file), file))
    assert not any(word in f"{refused} {refused and refused.hint}" for word in UNSAFE)


@settings(max_examples=100)
@given(content=st.binary(max_size=200))
def test_bytes_of_anything_are_damaged_and_not_called_dangerous(folder: Path, content: bytes) -> None:
    file = folder / "anything.pth"
    file.write_bytes(content)
    with pytest.raises(ModelError) as caught:
        checkpoint.weights(checkpoint.read(file), file)
    assert "could run any code" not in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "it is empty"),
        (b"\x93\x17" * 500, "it is damaged or not a checkpoint"),
        (b"\x89PNG\r\n\x1a\n" + b"\0" * 50, "it is damaged or not a checkpoint"),
        (b"<!DOCTYPE html>" * 9, "it is damaged or not a checkpoint"),
        (b"version https://git-lfs.github.com/spec/v1\n", "it is damaged or not a checkpoint"),
        (pickle.dumps({"a": 1}, 5), "it is damaged or not a checkpoint"),
    ],
)
def test_what_is_no_checkpoint_is_told_with_the_cause(tmp_path: Path, content: bytes, reason: str) -> None:
    (tmp_path / "own.pth").write_bytes(content)
    with pytest.raises(ModelError, match=f"cannot be read: {reason}") as caught:
        load(NAME, tmp_path / "own.pth", "cpu")
    assert not any(word in f"{caught.value} {caught.value.hint}" for word in UNSAFE)


def test_another_pickle_protocol_is_told_from_damage(tmp_path: Path) -> None:
    torch.save({"model": CONTENT}, tmp_path / "own.pth", pickle_protocol=4)
    with pytest.raises(ModelError, match="saved with a pickle_protocol other than torch's own"):
        load(NAME, tmp_path / "own.pth", "cpu")


def test_advice_to_turn_safety_off_is_never_passed_on() -> None:
    error = RuntimeError(
        "Cannot load this. Re-running `torch.load` with `weights_only` set to `False` will likely succeed, but it can "
        "result in arbitrary code execution. Do it only if you got the file from a trusted source.\nmore"
    )
    assert said(error) == "Cannot load this."
    assert said(ValueError("set `trust_remote_code=True` to run it")) == "ValueError"


def sparse(size: int) -> torch.Tensor:
    return torch.sparse_coo_tensor(
        torch.zeros(2, 1, dtype=torch.long), torch.ones(1), (3, size), check_invariants=False
    )


def quantized() -> torch.Tensor:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that torch will no longer have them; files of today do
        return torch.quantize_per_tensor(torch.zeros(3, 256), 1, 0, torch.qint8)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ({1: torch.zeros(2)}, "no weights in a known layout"),
        ({"model": {None: torch.zeros(2)}}, "no weights in a known layout"),
        ({"model": {("a", 1): torch.zeros(2)}}, "no weights in a known layout"),
        ({"model": {"a": {"b": torch.zeros(2)}}}, "no weights in a known layout"),
        ({"model": {"model": {"a": torch.zeros(2)}}}, "does not fit test_efficientnet: missing: "),
        ({"model": {"model": {"model": {"model": {"model": {"a": torch.zeros(2)}}}}}}, "no weights in a known layout"),
        ({"model": {}}, "no weights in a known layout"),
        ({}, "no weights in a known layout"),
        ([torch.zeros(2)], "holds a list"),
        (3, "holds a int"),
        (weights(**{HEAD: torch.tensor(1.0)}), r"its last layer classifier\.weight has the shape \(\)"),
        (weights(**{HEAD: torch.zeros(0, 256)}), r"has the shape \(0, 256\)"),
        (weights(**{HEAD: torch.zeros(100_000, 1)}), r"has the shape \(100000, 1\)"),
        (weights(**{HEAD: torch.zeros(1, 1).expand(10**6, 10**6)}), r"classifier\.weight \(more numbers"),
        (weights(**{HEAD: torch.empty(10**6, 10**6, device="meta")}), r"classifier\.weight \(more numbers"),
        (weights(**{HEAD: sparse(10**9)}), r"classifier\.weight \(sparse"),
        (weights(**{HEAD: torch.zeros(3, 256, dtype=torch.complex64)}), r"classifier\.weight \(complex"),
        (weights(**{HEAD: torch.zeros(3, 256).to(torch.float8_e4m3fn)}), r"classifier\.weight \(float8"),
        (weights(**{HEAD: quantized()}), "weight .quantized"),
        (weights(**{"conv_stem.weight": torch.zeros(3)}), r"conv_stem\.weight is \(3,\) and should be"),
        (weights(**{"bn2.weight": torch.full((256,), float("nan"))}), r"not a number: bn2\.weight"),
        (weights(**{"bn2.running_var": torch.full((256,), float("inf"))}), r"not a number: bn2\.running_var"),
        (weights(**{"bn2.weight": torch.zeros(256, dtype=torch.int8)}), r"bn2\.weight is int8, as only quantized"),
    ],
)
def test_content_that_is_no_networks(tmp_path: Path, content: Any, reason: str) -> None:
    torch.save(content, tmp_path / "own.pth")
    with pytest.raises(ModelError, match=reason):
        load(NAME, tmp_path / "own.pth", "cpu")


@pytest.mark.parametrize("names", [torch.zeros(3), "abc", 3, {"a": 1}, [1, 2, 3], [["a"], "b", "c"], True])
def test_names_of_classes_that_are_none(tmp_path: Path, names: Any) -> None:
    torch.save({"model": CONTENT, "class_names": names}, tmp_path / "own.pth")
    with pytest.raises(ModelError, match="the names of its classes are not a list of strings"):
        load_classifier(NAME, tmp_path / "own.pth", "cpu")


def test_an_archive_that_grows_when_it_is_read_is_refused(tmp_path: Path) -> None:
    torch.save({"model": {"a": torch.zeros(10**6)}}, tmp_path / "plain.pth")
    with (
        zipfile.ZipFile(tmp_path / "plain.pth") as plain,
        zipfile.ZipFile(tmp_path / "small.pth", "w", zipfile.ZIP_DEFLATED) as packed,
    ):
        for entry in plain.infolist():
            packed.writestr(entry.filename, plain.read(entry))
    with pytest.raises(ModelError, match=r"torch\.save does not compress"):
        load(NAME, tmp_path / "small.pth", "cpu")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no named pipes")
@pytest.mark.parametrize("suffix", [".pth", ".safetensors"])
def test_a_pipe_or_device_is_not_read(tmp_path: Path, suffix: str) -> None:
    os.mkfifo(tmp_path / f"pipe{suffix}")
    (tmp_path / f"zero{suffix}").symlink_to("/dev/zero")
    for name, kind in (("pipe", "a named pipe"), ("zero", "a device")):
        with pytest.raises(ModelError, match=f"cannot be read: it is {kind}"):
            load(NAME, tmp_path / f"{name}{suffix}", "cpu")


@pytest.mark.parametrize(
    ("path", "reason"),
    [("a\0b", "no file can have this name"), ("x" * 5000, "File name too long"), ("loop", "Too many levels")],
)
def test_a_path_that_cannot_be_looked_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, path: str, reason: str
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "loop").symlink_to("loop")
    for use in (
        lambda: load("unisiam-resnet18", Path(path), "cpu"),
        lambda: load(NAME, Path(path), "cpu"),
        lambda: load(f"local-dir:{path}", None, "cpu"),
        lambda: build(NetworkSpec("test_vit", 3, 0.0, checkpoint=Path(path))),
    ):
        with pytest.raises(ModelError, match=f"cannot be read: {reason}"):
            use()


@pytest.mark.parametrize("name", ["oracle", "encoder"])
@pytest.mark.parametrize("damage", ["missing", "cut", "emptied", "nan"])
def test_a_damaged_bundled_network_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: Any, damage: str
) -> None:
    whole = {key: tensor.clone() for key, tensor in digits.bundled(name).state_dict().items()}
    file = tmp_path / "bundled" / name / "model.safetensors"
    file.parent.mkdir(parents=True)
    monkeypatch.setattr(digits, "files", lambda package: tmp_path)
    if damage in ("cut", "nan"):
        next(iter(whole.values())).view(-1)[0] = float("nan")
        save_file(whole, file)
    if damage == "cut":
        file.write_bytes(file.read_bytes()[:1000])
    if damage == "emptied":
        save_file({}, file)
    with pytest.raises(ModelError, match=f"the bundled {name} is damaged") as caught:
        digits.bundled(name)
    assert "pip install --force-reinstall" in caught.value.hint
