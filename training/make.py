"""Makes the bundled models: `python -m training.make build` trains all stages that are not in the folder yet."""

import argparse
import shutil
from pathlib import Path

from diffusers import AutoencoderKL

from training import autoencoder, denoiser, encoder, oracle, reindex
from training.bundle import bundle

BUNDLED = Path(__file__).parents[1] / "src" / "genie_cli" / "bundled"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("work", type=Path, help="folder for the trained stages, in float32, and their logs")
    work: Path = parser.parse_args().work
    work.mkdir(parents=True, exist_ok=True)
    if not (work / "vae").exists():
        autoencoder.train(work / "vae")
    if not (work / "unet").exists():
        denoiser.train(AutoencoderKL.from_pretrained(work / "vae"), work)
    if not (work / "unet-reindexed").exists():
        reindex.train(work / "unet", work / "unet-reindexed")
    if not (work / "oracle.safetensors").exists():
        oracle.train(work / "oracle.safetensors")
    if not (work / "encoder.safetensors").exists():
        encoder.train(work / "encoder.safetensors")
    bundle(work, BUNDLED / "digits")
    for name in ("oracle", "encoder"):
        (BUNDLED / name).mkdir(exist_ok=True)
        bundled = BUNDLED / name / "model.safetensors"
        shutil.copy(work / f"{name}.safetensors", bundled)
        bundled.chmod(0o644)


if __name__ == "__main__":
    main()
