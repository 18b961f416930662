"""`genie longtail`: what generated images do for the rare classes of a long-tailed data set."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from typer import Option

from genie_cli.cli import _options as shared
from genie_cli.cli._lists import split
from genie_cli.cli._setting_options import INPUT, MODEL, OUTPUT, RUN, given, setting
from genie_cli.cli._settings import resolve
from genie_cli.config import LongTail
from genie_cli.data.catalog import LongTailSet
from genie_cli.longtail.benchmark import measure
from genie_cli.longtail.options import AUGMENT, LongTailOptions

RECIPE = "Recipe"


def longtail(
    dataset: Annotated[
        LongTailSet,
        Option(help="Data set; digits are bundled, folder is any with train/ and test/.", rich_help_panel=INPUT),
    ] = LongTailSet.DIGITS,
    data_dir: shared.DataDir = None,
    lists: Annotated[
        Path | None,
        Option(help="Folder of ImageNet-LT's lists.", show_default="that of the images", rich_help_panel=INPUT),
    ] = None,
    partial: shared.Partial = False,
    thresholds: Annotated[str | None, setting("longtail.edges", INPUT)] = None,
    manifest: shared.Manifests = None,
    confusion: Annotated[
        Path | None,
        Option(
            help="Which classes are taken for which, by genie confuse.",
            show_default="measured, with --backbone",
            rich_help_panel=INPUT,
        ),
    ] = None,
    backbone: Annotated[
        str | None,
        Option(
            help="What confusions are measured with: a timm model, or digits.",
            show_default="DINOv2 ViT-B/14; digits for the digits",
            rich_help_panel=INPUT,
        ),
    ] = None,
    augment: Annotated[list[str] | None, shared.augment("those of the paper's Table 3", ",".join(AUGMENT))] = None,
    r: shared.Ratios = None,
    per_class: Annotated[int | None, setting("longtail.per_class", shared.METHOD)] = None,
    fill_to: Annotated[int | None, setting("longtail.fill_to", shared.METHOD)] = None,
    top_k: Annotated[int | None, setting("generate.top_k", shared.METHOD)] = None,
    soft_labels: shared.SoftLabels = False,
    network: Annotated[str | None, setting("longtail.network", RECIPE)] = None,
    checkpoint: Annotated[
        Path | None,
        Option(help="LiVT's or MAE's, to start from.", show_default="random weights", rich_help_panel=RECIPE),
    ] = None,
    loss: Annotated[str | None, setting("longtail.loss", RECIPE)] = None,
    prior: Annotated[str | None, setting("longtail.prior", RECIPE)] = None,
    seeds: Annotated[list[str] | None, setting("longtail.seeds", RECIPE)] = None,
    epochs: Annotated[int | None, setting("longtail.epochs", RECIPE)] = None,
    warmup_epochs: Annotated[int | None, setting("longtail.warmup_epochs", RECIPE)] = None,
    batch: Annotated[int | None, setting("longtail.batch", RECIPE)] = None,
    accumulate: Annotated[int | None, setting("longtail.accumulate", RECIPE)] = None,
    base_lr: Annotated[float | None, setting("longtail.base_lr", RECIPE)] = None,
    min_lr: Annotated[float | None, setting("longtail.min_lr", RECIPE)] = None,
    betas: Annotated[list[str] | None, setting("longtail.betas", RECIPE)] = None,
    weight_decay: Annotated[float | None, setting("longtail.weight_decay", RECIPE)] = None,
    layer_decay: Annotated[float | None, setting("longtail.layer_decay", RECIPE)] = None,
    drop_path: Annotated[float | None, setting("longtail.drop_path", RECIPE)] = None,
    mixup: Annotated[float | None, setting("longtail.mixup", RECIPE)] = None,
    cutmix: Annotated[float | None, setting("longtail.cutmix", RECIPE)] = None,
    smoothing: Annotated[float | None, setting("longtail.smoothing", RECIPE)] = None,
    randaugment: Annotated[str | None, setting("longtail.randaugment", RECIPE)] = None,
    random_erasing: Annotated[float | None, setting("longtail.random_erasing", RECIPE)] = None,
    mean: Annotated[list[str] | None, setting("longtail.mean", RECIPE)] = None,
    std: Annotated[list[str] | None, setting("longtail.std", RECIPE)] = None,
    precision: Annotated[str | None, setting("longtail.precision", RECIPE)] = None,
    workers: Annotated[int | None, setting("longtail.workers", RECIPE)] = None,
    model: shared.Model = None,
    revision: shared.Revision = None,
    prompt: shared.Prompt = None,
    superclass: Annotated[str | None, setting("generate.superclass", MODEL)] = None,
    steps: shared.Steps = None,
    guidance: shared.Guidance = None,
    device: shared.Device = None,
    dtype: shared.Dtype = None,
    slots: shared.Slots = None,
    out: Annotated[
        Path, Option(help="Folder for results, trainings and generated images.", rich_help_panel=OUTPUT)
    ] = Path("genie-longtail"),
    plan_out: shared.PlanOut = None,
    json_: shared.Json = False,
    seed: shared.Seed = None,
    dry_run: Annotated[
        bool,
        Option("--dry-run", help="Say which images would be made, and what the trainings take.", rich_help_panel=RUN),
    ] = False,
    config: shared.Config = None,
) -> None:
    """Measure what generated images do for the rare classes of a long-tailed data set (the paper's Table 3).

    Makes images for the Few classes, unless --manifest has them, and trains a classifier with each
    augmentation and seed, by LiVT's recipe; the digits have a smaller one of their own.
    A run that was stopped goes on when the same command is typed again.

    Example: genie longtail --dataset imagenet-lt --data-dir ILSVRC --checkpoint livt.pth
    """
    said = locals()
    options = {key: said[name] for name, key in shared.SETTINGS.items() if name in said}
    options |= {f"longtail.{name}": said[name] for name in LongTail.model_fields}
    options |= {f"longtail.{name}": split(said[name]) for name in ("seeds", "betas", "mean", "std")}
    options["generate.top_k"] = top_k
    asked = LongTailOptions(
        dataset=dataset,
        out=out,
        augment=tuple(split(augment) or AUGMENT),
        lists=lists,
        partial=partial,
        ratios=tuple(split(r) or ()),
        manifests=tuple(manifest or ()),
        confusion=confusion,
        backbone=backbone,
        checkpoint=checkpoint,
        soft_labels=soft_labels,
        plan_out=plan_out,
    )
    measure(resolve(config, options), asked, given(options), as_json=json_, dry_run=dry_run)
