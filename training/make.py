"""Makes the bundled digits model: `python -m training.make build/` trains stage by stage; a stage already there is kept."""

import argparse
from pathlib import Path

from diffusers import AutoencoderKL

from training import autoencoder, denoiser


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("work", type=Path, help="folder for the trained stages, in float32, and their logs")
    work: Path = parser.parse_args().work
    work.mkdir(parents=True, exist_ok=True)
    if not (work / "vae").exists():
        autoencoder.train(work / "vae")
    vae = AutoencoderKL.from_pretrained(work / "vae")
    if not (work / "unet").exists():
        denoiser.train(vae, work)


if __name__ == "__main__":
    main()
