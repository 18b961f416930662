"""`genie generate`: hard negatives from a folder of images, or from a plan."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

from typer import Option

from genie_cli.cli._setting_options import INPUT, MODEL, OUTPUT, RUN, given, setting
from genie_cli.cli._settings import resolve
from genie_cli.config import Format
from genie_cli.generate.inputs import Inputs
from genie_cli.generate.run import run
from genie_cli.jobs import Method


def generate(
    src_dir: Annotated[
        Path | None, Option(help="Folder of source images, a subfolder per class.", rich_help_panel=INPUT)
    ] = None,
    src_label: Annotated[
        str | None, Option(help="The class of all images in --src-dir, if it has no subfolders.", rich_help_panel=INPUT)
    ] = None,
    targets: Annotated[
        str | None, Option(help="Classes to make: lynx,leopard or @file with a name a line.", rich_help_panel=INPUT)
    ] = None,
    plan_file: Annotated[
        str | None, Option("--plan", help="Make the jobs of this plan ('-': standard input).", rich_help_panel=INPUT)
    ] = None,
    confusion: Annotated[
        Path | None, Option(help="Take sources from the classes most confused with the target.", rich_help_panel=INPUT)
    ] = None,
    top_k: Annotated[int | None, setting("generate.top_k", INPUT)] = None,
    per_target: Annotated[int | None, setting("generate.per_target", INPUT)] = None,
    method: Annotated[Method | None, setting("generate.method", INPUT)] = None,
    r: Annotated[list[str] | None, setting("generate.r", INPUT)] = None,
    prompt: Annotated[str | None, setting("generate.prompt", INPUT)] = None,
    superclass: Annotated[str | None, setting("generate.superclass", INPUT)] = None,
    model: Annotated[str | None, setting("model.name", MODEL, "--model")] = None,
    revision: Annotated[str | None, setting("model.revision", MODEL)] = None,
    steps: Annotated[int | None, setting("generate.steps", MODEL)] = None,
    guidance: Annotated[float | None, setting("generate.guidance", MODEL)] = None,
    preset: Annotated[str | None, setting("generate.preset", MODEL)] = None,
    device: Annotated[str | None, setting("model.device", MODEL)] = None,
    dtype: Annotated[str | None, setting("model.dtype", MODEL)] = None,
    slots: Annotated[str | None, setting("model.slots", MODEL)] = None,
    attention: Annotated[str | None, setting("model.attention", MODEL)] = None,
    compile_: Annotated[str | None, setting("model.compile", MODEL, "--compile")] = None,
    out: Annotated[str | None, setting("output.dir", OUTPUT, "--out")] = None,
    image_format: Annotated[Format | None, setting("output.format", OUTPUT, "--format")] = None,
    json_: Annotated[
        bool, Option("--json", help="The manifest on stdout, as in a pipe.", rich_help_panel=OUTPUT)
    ] = False,
    seed: Annotated[int | None, setting("generate.seed", RUN)] = None,
    share: Annotated[
        str | None, Option("--shard", help="Make only part i of n, as i/n; all parts share --out.", rich_help_panel=RUN)
    ] = None,
    limit: Annotated[
        int | None, Option(min=1, help="Make only the first N images of the plan, or of the part.", rich_help_panel=RUN)
    ] = None,
    dry_run: Annotated[
        bool, Option("--dry-run", help="Say what would be made; in a pipe, print the plan.", rich_help_panel=RUN)
    ] = False,
    profile: Annotated[
        bool, Option("--profile", help="Say at the end where the time went.", rich_help_panel=RUN)
    ] = False,
    config: Annotated[
        Path | None, Option(help="Settings file.", show_default="./genie.toml", rich_help_panel=RUN)
    ] = None,
) -> None:
    """Make images of target classes from photos of other classes (GeNIe), or of the same (img2img), or of none.

    A run that was stopped goes on when the same command is typed again. Exits with 3 if some images failed.

    Example: genie generate --src-dir photos --targets lynx,leopard --r 0.8 --out lynx-negatives
    """
    options: dict[str, Any] = {
        "generate.method": method,
        "generate.r": [part for word in r for part in word.split(",")] if r else None,
        "generate.prompt": prompt,
        "generate.superclass": superclass,
        "generate.per_target": per_target,
        "generate.top_k": top_k,
        "generate.steps": steps,
        "generate.guidance": guidance,
        "generate.seed": seed,
        "generate.preset": preset,
        "model.name": model,
        "model.revision": revision,
        "model.device": device,
        "model.dtype": dtype,
        "model.slots": slots,
        "model.attention": attention,
        "model.compile": compile_,
        "output.dir": out,
        "output.format": image_format,
    }
    settings = resolve(config, options)
    inputs = Inputs(src_dir, src_label, targets, confusion, plan_file)
    run(settings, inputs, given(options), share=share, limit=limit, dry_run=dry_run, as_json=json_, profiled=profile)
