"""Loading a snapshot runs nothing that lies in it, prints nothing, and waits for nothing."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest
import torch

from genie_cli.diffusion.locate import locate
from genie_cli.diffusion.snapshot import load
from genie_cli.diffusion.tokenizer import Tokenizer
from genie_cli.errors import ModelError
from tests.diffusion.snapshots import copied, edit, reweigh

UNET, TEXT = "unet/diffusion_pytorch_model", "text_encoder/model"


@pytest.fixture
def model(tmp_path: Path) -> Path:
    return copied(tmp_path / "model")


def test_libraries_print_nothing(model: Path, capfd: pytest.CaptureFixture[str]) -> None:
    escape = "\x1b]0;owned\x07"
    reweigh(model / f"{TEXT}.safetensors", lambda weights: weights.update({escape: torch.zeros(1)}))
    reweigh(model / f"{UNET}.safetensors", lambda weights: weights.update({escape: torch.zeros(1)}))
    edit(model / "unet/config.json", **{escape: 1, "_class_name": escape})
    for _ in range(2):
        with pytest.raises(ModelError):
            load(locate(str(model)), "cpu")
        reweigh(model / f"{UNET}.safetensors", lambda weights: {k: v for k, v in weights.items() if k != escape})
    tokenizer = Tokenizer(locate("digits"))
    with pytest.raises(Exception, match="tokens, the model reads 32"):
        tokenizer.check("A photo of a seven " * 20)
    assert capfd.readouterr() == ("", "")


CODE = "import pathlib\npathlib.Path({trace!r}).touch()\n"


def test_nothing_that_comes_with_a_model_is_run(model: Path, tmp_path: Path) -> None:
    """Custom code, kernels, adapters, pickles and templates lie there, and the configurations point at them."""
    trace = tmp_path / "ran"
    for part in ("unet", "vae", "text_encoder", "tokenizer", "scheduler", "."):
        (model / part / "custom.py").write_text(CODE.format(trace=str(trace)))
    for file in [*model.rglob("*config.json")]:
        mapped = {f"Auto{kind}": "custom.Custom" for kind in ("Model", "Config", "Tokenizer")}
        extra = {"auto_map": mapped, "attn_implementation": "custom/kernel"}
        edit(file, **extra)
    edit(model / "text_encoder/config.json", transformers_weights="custom.safetensors", architectures=["Custom"])
    edit(model / "tokenizer/tokenizer_config.json", tokenizer_class="Custom", chat_template="{{ ().__class__ }}")
    (model / "tokenizer/chat_template.jinja").write_text("{{ cycler.__init__.__globals__.os.system('true') }}")
    (model / "text_encoder/adapter_config.json").write_text('{"base_model_name_or_path": "somebody/else"}')
    (model / "text_encoder/pytorch_model.bin").write_bytes(f"cbuiltins\nopen\n(S'{trace}'\nS'w'\ntR.".encode())
    assert load(locate(str(model)), "cpu").prompts.embed("A photo of a seven")[0].isfinite().all()
    assert not trace.exists()


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no named pipes")
@pytest.mark.parametrize(
    "name", ["unet/config.json", f"{UNET}.safetensors", "tokenizer/tokenizer.json", "tokenizer/added_tokens.json"]
)
def test_a_pipe_in_a_model_is_not_waited_for(model: Path, name: str) -> None:
    (model / name).unlink(missing_ok=True)
    os.mkfifo(model / name)
    with pytest.raises(ModelError, match=rf"{re.escape(name)} cannot be read: it is a named pipe"):
        Tokenizer(locate(str(model)))
    (model / name).unlink()
    (model / name).symlink_to("/dev/zero")
    with pytest.raises(ModelError, match=rf"{re.escape(name)} cannot be read: it is a device"):
        Tokenizer(locate(str(model)))
