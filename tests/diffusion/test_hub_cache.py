"""The hub's cache: whole snapshots are found, partial ones are completed or refused with what they lack."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from huggingface_hub import constants

from genie_cli.diffusion import hub, hub_cache
from genie_cli.diffusion.locate import is_local, locate
from genie_cli.diffusion.snapshot import load
from genie_cli.diffusion.vocabulary import vocabulary
from genie_cli.errors import ModelError
from tests.diffusion.snapshots import copied, split

NAME = "somebody/tiny"
SHA = "0123456789abcdef0123456789abcdef01234567"


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the hub's cache holds a whole model, without a network."""
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    folder = tmp_path / "hub/models--somebody--tiny"
    (folder / "snapshots").mkdir(parents=True)
    copied(folder / "snapshots" / SHA)
    (folder / "refs").mkdir()
    (folder / "refs/main").write_text(SHA)
    return folder


@pytest.fixture
def model(repository: Path) -> Path:
    return repository / "snapshots" / SHA


def list_files(repository: Path, model: Path, **more: int) -> None:
    """Write the hub's list of the repository's files, as `snapshot_download` caches it."""
    sizes = {file.relative_to(model).as_posix(): file.stat().st_size for file in model.rglob("*") if file.is_file()}
    files: dict[str, Any] = {name: {"size": size, "blob_id": "0" * 40} for name, size in (sizes | more).items()}
    (repository / "trees").mkdir()
    (repository / f"trees/{SHA}.json").write_text(json.dumps({"format_version": 1, "files": files}))


OTHERS = {
    "unet/diffusion_pytorch_model.fp16.safetensors": 3,
    "vae/diffusion_pytorch_model.fp16.safetensors": 3,
    "unet/diffusion_pytorch_model.non_ema.safetensors": 3,
    "text_encoder/pytorch_model.bin": 3,
    "v1-5-pruned.safetensors": 3,
    "README.md": 3,
}


def test_files_that_are_not_read_need_not_be_there(repository: Path, model: Path) -> None:
    list_files(repository, model, **OTHERS)
    assert locate(NAME).identity == f"{NAME}@{SHA}"


def test_a_cache_of_one_precision_is_enough(repository: Path, model: Path) -> None:
    list_files(repository, model, **OTHERS)
    for file in model.rglob("*.safetensors"):
        file.rename(file.with_suffix(".fp16.safetensors"))
    (repository / f"trees/{SHA}.json").unlink()
    (repository / "trees").rmdir()
    list_files(repository, model, **{f"unet/{k}": 3 for k in ("diffusion_pytorch_model.safetensors",)})
    assert load(locate(NAME), "cpu").unet.dtype == torch.float32


@pytest.mark.parametrize("listed", [True, False])
@pytest.mark.parametrize(
    ("lost", "named"),
    [
        ("tokenizer/tokenizer.json", "tokenizer/vocab.json"),
        ("tokenizer/tokenizer_config.json", "tokenizer/tokenizer_config.json"),
        ("unet/config.json", "unet/config.json"),
        ("scheduler/scheduler_config.json", "scheduler/scheduler_config.json"),
        ("text_encoder/model.safetensors", "text_encoder/model"),
    ],
)
def test_what_an_interrupted_download_lacks_is_named(
    repository: Path, model: Path, lost: str, named: str, listed: bool
) -> None:
    if listed:
        list_files(repository, model)
    (model / lost).unlink()
    (model / lost).symlink_to(repository / "blobs/of-an-interrupted-download")
    with pytest.raises(ModelError, match=f"{NAME} is only partly on this machine, without {named}") as caught:
        locate(NAME, SHA)
    assert f"hf download {NAME} --revision {SHA}" in caught.value.hint
    assert "--model digits" in caught.value.hint


def test_a_missing_shard_is_named(model: Path) -> None:
    _, second = split(model / "unet/diffusion_pytorch_model.safetensors")
    second.unlink()
    with pytest.raises(ModelError, match=f"without unet/{second.name}"):
        locate(NAME)


def test_a_file_that_only_the_list_knows_is_missed(repository: Path, model: Path) -> None:
    """Added tokens are optional, so that without the list nothing could say that they belong to this model."""
    list_files(repository, model, **{"tokenizer/added_tokens.json": 3})
    with pytest.raises(ModelError, match=r"without tokenizer/added_tokens\.json"):
        locate(NAME)


@pytest.mark.parametrize("name", ["tokenizer/tokenizer.json", "vae/diffusion_pytorch_model.safetensors"])
def test_a_file_that_is_not_as_long_as_at_the_hub_is_damaged(repository: Path, model: Path, name: str) -> None:
    list_files(repository, model, **{name: 10**6})
    with pytest.raises(
        ModelError, match=rf"{name} is damaged: it has [\d,]+ bytes, and 1,000,000 at the hub"
    ) as caught:
        locate(NAME)
    assert caught.value.hint.endswith("--force-download")


@pytest.mark.parametrize("content", ["{", '{"format_version": 1, "files": {"a": 3}}', '{"format_version": 1}'])
def test_a_damaged_list_is_as_none(repository: Path, model: Path, content: str) -> None:
    list_files(repository, model)
    (repository / f"trees/{SHA}.json").write_text(content)
    assert locate(NAME).identity == f"{NAME}@{SHA}"


def test_a_model_with_pickled_weights_only_is_told_from_half_a_download(repository: Path, model: Path) -> None:
    for file in model.rglob("*.safetensors"):
        file.rename(file.with_name("pytorch_model.bin"))
    with pytest.raises(ModelError, match=r"is only partly on this machine, without unet/.*safetensors"):
        locate(NAME)
    list_files(repository, model)
    with pytest.raises(ModelError, match=r"unet has no \.safetensors file") as caught:
        locate(NAME)
    assert "pickled weights are not read" in caught.value.hint


def test_a_cache_that_cannot_be_read_is_told_with_the_cause(tmp_path: Path, repository: Path) -> None:
    (repository / "refs/main").unlink()
    (repository / "refs/main").mkdir()
    with pytest.raises(ModelError, match=r"the cache of the hub, .* cannot be read: Is a directory"):
        locate(NAME)
    (repository / "refs/main").rmdir()
    (repository / "refs/main").write_bytes(b"\xff\xfe")
    with pytest.raises(ModelError, match=r"the cache of the hub, .* cannot be read: "):
        locate(NAME)
    (tmp_path / "hub").rename(tmp_path / "away")
    (tmp_path / "hub").symlink_to(tmp_path / "hub")
    with pytest.raises(ModelError, match=r"the cache of the hub, .* cannot be read: Too many levels of symbolic links"):
        locate(NAME)


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("~nosuchuser/model", "there is no user nosuchuser"),
        ("some/mo\0del", "no file can have this name"),
        ("\ud800/model", "no file can have this name"),
        ("x" * 5000, "File name too long"),
        ("loop", "Too many levels of symbolic links"),
    ],
)
def test_a_name_that_cannot_be_looked_up_is_told_with_the_cause(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, reason: str
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "loop").symlink_to("loop")
    for look in (locate, is_local):
        with pytest.raises(ModelError, match=f"cannot be read: {reason}"):
            look(name)
    assert vocabulary(name) == ()


@pytest.mark.parametrize("name", ["", "a/..", "a;b/c", "$(a)/b", "a/b\n", "\udcff/a", "-/-", "a--b/c", "a/b/c"])
def test_a_name_that_is_no_model(repository: Path, name: str) -> None:
    with pytest.raises(ModelError, match="not a hub id"):
        locate(name)


@pytest.mark.parametrize("revision", ["../../x", "a\0b", "$(x)", "a b", "-x", "main\n", "/x", "\udcff"])
def test_a_revision_that_is_none(repository: Path, revision: str) -> None:
    with pytest.raises(ModelError, match="is not a revision"):
        locate(NAME, revision)


def test_a_command_to_paste_is_quoted() -> None:
    command = hub.download_command("a'; rm -rf ~;'/b", "$(touch x)")
    assert "'a'\"'\"'; rm -rf ~;'\"'\"'/b'" in command
    assert "--revision '$(touch x)'" in command


OTHER = "89abcdef0123456789abcdef0123456789abcdef"


@pytest.mark.parametrize(("revision", "offered"), [(OTHER, "main"), ("v2", "main"), (None, None), ("main", None)])
def test_another_revision_that_is_there_is_offered(
    repository: Path, model: Path, revision: str | None, offered: str | None
) -> None:
    if offered is None:
        (model / "unet/config.json").unlink()
    with pytest.raises(ModelError) as caught:
        locate(NAME, revision)
    line = f"it is on this machine at another revision: --model {NAME} --revision "
    found = [hint.removeprefix(line) for hint in caught.value.hints if hint.startswith(line)]
    assert found == ([offered] if offered else [])
    if offered:
        assert locate(NAME, offered).path == model


def test_only_whole_revisions_are_offered(repository: Path, model: Path) -> None:
    """The one that main is, is not whole; another is, and is called by its commit."""
    copied(model.with_name(OTHER))
    (model / "unet/config.json").unlink()
    with pytest.raises(ModelError, match="is only partly on this machine") as caught:
        locate(NAME)
    assert caught.value.hints[0].endswith(f"--revision {OTHER}")
    assert list(hub_cache.stable_diffusions()) == [(NAME, [OTHER])]
