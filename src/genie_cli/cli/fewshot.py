"""`genie fewshot`: what augmentations do for few-shot classification."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

from typer import Option

from genie_cli.cli.asked import Asked
from genie_cli.cli.measuring import measure
from genie_cli.cli.options import INPUT, MODEL, OUTPUT, RUN, setting
from genie_cli.cli.pools import DataSet
from genie_cli.config import resolve

_AUGMENT = "none,weak,strong,cutmix,mixup,img2img-l,img2img-h,txt2img,genie"


def fewshot(
    dataset: Annotated[
        DataSet,
        Option(help="Data set; digits are bundled, folder is any with a subfolder per class.", rich_help_panel=INPUT),
    ] = DataSet.DIGITS,
    data_dir: Annotated[str | None, setting("data.dir", INPUT, "--data-dir", variable="GENIE_DATA")] = None,
    partial: Annotated[
        bool, Option("--partial", help="Take a part of mini- or tiered-ImageNet for the whole.", rich_help_panel=INPUT)
    ] = False,
    manifest: Annotated[
        list[str] | None,
        Option(help="Take the generated images of this manifest ('-': standard input).", rich_help_panel=INPUT),
    ] = None,
    episode_list: Annotated[
        list[Path] | None, Option(help="Run these episodes, a file of an earlier run.", rich_help_panel=INPUT)
    ] = None,
    shots: Annotated[list[str] | None, setting("fewshot.shots", INPUT)] = None,
    ways: Annotated[int | None, setting("fewshot.ways", INPUT)] = None,
    queries: Annotated[int | None, setting("fewshot.queries", INPUT)] = None,
    episodes: Annotated[int | None, setting("fewshot.episodes", INPUT)] = None,
    augment: Annotated[
        list[str] | None,
        Option(help="What to compare; also genie-ada.", show_default=_AUGMENT, rich_help_panel="Method"),
    ] = None,
    r: Annotated[
        list[str] | None, Option("--r", help="GeNIe's noise ratios.", show_default="0.8", rich_help_panel="Method")
    ] = None,
    backbone: Annotated[
        str | None,
        Option(
            help="digits, unisiam-resnet18, -34 or -50 with --checkpoint, or a timm model.",
            show_default="digits for the digits",
            rich_help_panel="Method",
        ),
    ] = None,
    checkpoint: Annotated[Path | None, Option(help="The backbone's weights.", rich_help_panel="Method")] = None,
    classifier: Annotated[str | None, setting("fewshot.classifier", "Method")] = None,
    baseline: Annotated[
        str | None,
        Option(
            help="What the others are compared with, as 'genie r=0.8'.", show_default="weak", rich_help_panel="Method"
        ),
    ] = None,
    soft_labels: Annotated[
        bool, Option("--soft-labels", help="Label with the oracle's distributions.", rich_help_panel="Method")
    ] = False,
    model: Annotated[str | None, setting("model.name", MODEL, "--model")] = None,
    revision: Annotated[str | None, setting("model.revision", MODEL)] = None,
    prompt: Annotated[str | None, setting("generate.prompt", MODEL)] = None,
    steps: Annotated[int | None, setting("generate.steps", MODEL)] = None,
    guidance: Annotated[float | None, setting("generate.guidance", MODEL)] = None,
    device: Annotated[str | None, setting("model.device", MODEL)] = None,
    dtype: Annotated[str | None, setting("model.dtype", MODEL)] = None,
    slots: Annotated[str | None, setting("model.slots", MODEL)] = None,
    out: Annotated[
        Path, Option(help="Folder for results, episode lists and generated images.", rich_help_panel=OUTPUT)
    ] = Path("genie-fewshot"),
    plan_out: Annotated[
        str | None,
        Option(
            help="Only write the plan of the images that are needed ('-': standard output).", rich_help_panel=OUTPUT
        ),
    ] = None,
    json_: Annotated[
        bool, Option("--json", help="Results as JSON Lines on stdout, as in a pipe.", rich_help_panel=OUTPUT)
    ] = False,
    seed: Annotated[int | None, setting("generate.seed", RUN)] = None,
    dry_run: Annotated[
        bool, Option("--dry-run", help="Say which images would be made and how long it takes.", rich_help_panel=RUN)
    ] = False,
    config: Annotated[
        Path | None, Option(help="Settings file.", show_default="./genie.toml", rich_help_panel=RUN)
    ] = None,
) -> None:
    """Measure what augmentations do for few-shot classification (the paper's Tables 1, 2, 5 and 6).

    Makes the images that the episodes need, unless --manifest has them, and compares all augmentations on the same
    episodes. A run that was stopped goes on when the same command is typed again.

    Example: genie fewshot --dataset digits --episodes 100
    """
    options: dict[str, Any] = {
        "data.dir": data_dir,
        "fewshot.shots": _split(shots),
        "fewshot.ways": ways,
        "fewshot.queries": queries,
        "fewshot.episodes": episodes,
        "fewshot.classifier": classifier,
        "generate.prompt": prompt,
        "generate.steps": steps,
        "generate.guidance": guidance,
        "generate.seed": seed,
        "model.name": model,
        "model.revision": revision,
        "model.device": device,
        "model.dtype": dtype,
        "model.slots": slots,
    }
    measure(
        resolve(config, options),
        Asked(
            dataset=dataset,
            partial=partial,
            manifests=tuple(manifest or ()),
            episode_lists=tuple(episode_list or ()),
            augment=tuple(_split(augment) or _AUGMENT.split(",")),
            ratios=tuple(_split(r) or ()),
            backbone=backbone,
            checkpoint=checkpoint,
            soft_labels=soft_labels,
            baseline=baseline,
            out=out,
            plan_out=plan_out,
        ),
        given={name.partition(".")[2] for name, value in options.items() if value is not None},
        as_json=json_,
        dry_run=dry_run,
    )


def _split(words: list[str] | None) -> list[str] | None:
    """Values given as a,b or repeated."""
    return [part.strip() for word in words for part in word.split(",") if part.strip()] if words else None
