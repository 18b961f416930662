"""The command lines that make an image again, or the rest of a run, from what a header or an image's record states."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from genie_cli import manifest
from genie_cli.config import BUNDLED
from genie_cli.data.class_words import words_of
from genie_cli.diffusion.adapters import parted
from genie_cli.diffusion.vocabulary import vocabulary
from genie_cli.errors import ImageError, ManifestError
from genie_cli.files.reading import first_problem
from genie_cli.header import RunSettings
from genie_cli.jobs import ADAPTIVE_R
from genie_cli.manifest import Document
from genie_cli.recipe import Recipe

if TYPE_CHECKING:
    from genie_cli.provenance import Provenance

EXPLAIN = ("genie", "explain", "--json")  # and an image: writes the plan that it was made by
_FOLLOWED = ("dtype", "slots", "attention", "compile")  # a run takes them from its folder's header


def command_for(document: Document) -> str:
    """The command that makes the images of a manifest's folder again that are not there."""
    settings, folder = document.header.settings, str(document.root)
    options = {"plan": folder, **options_of(settings.model or "", settings), "out": folder}
    return shlex.join(["genie", "generate", *words_of_options(options)])


def command_of_image(image: Path, record: Provenance) -> str:
    """The shell command that makes the same image again, into a folder ``again``.

    Everything that an image or its name says is quoted: it may come from anywhere, and this line is there to be pasted.
    What the person has to fill in is quoted, too.

    Raises:
        ImageError: the record has a setting of another type.
    """
    lacks_sources = bool(record.job.source) and not source_root_of(image)
    again = command_of_piped_plan(record.job.model, settings_of(image, record), lacks_sources)
    path = f"./{image}" if str(image).startswith("-") else str(image)
    return f"{shlex.join([*EXPLAIN, path])} | {again}"


def command_of_piped_plan(model: str, settings: RunSettings, lacks_sources: bool) -> str:
    """The shell command that makes the one image of a plan that it is given on standard input.

    Args:
        model: its identity.
        lacks_sources: whether the image has a source, and the folder of the sources is not known.
    """
    options = options_of(model, settings)
    if lacks_sources:
        options["src-dir"] = "<folder of the sources>"
    return shlex.join(["genie", "generate", "--plan", "-", *words_of_options(options), "--out", "again"])


def settings_of(image: Path, record: Provenance) -> RunSettings:
    """The record's settings; those that genie does not know are among them, and never become options.

    Raises:
        ImageError: one is of another type than genie writes.
    """
    try:
        return RunSettings.model_validate(record.settings, strict=True)
    except ValidationError as error:
        _, place, _ = first_problem(error)
        raise ImageError(
            image, f"carries a record in which {place[0]} has a value that it cannot have", "genie did not write it so"
        ) from None


def source_root_of(image: Path) -> str | None:
    """The sources' folder, from the manifest of the output folder that the image lies in, if it still does."""
    try:
        with manifest.opened(image.resolve().parents[2] / "manifest.jsonl", "genie.manifest") as document:
            return document.header.source_root
    except (IndexError, OSError, RuntimeError, ManifestError):  # RuntimeError: a link leads back to itself
        return None


def options_of(model: str, settings: RunSettings) -> dict[str, str]:
    """The options of `genie generate`, by name, that repeat a run's settings.

    Settings that genie does not know never become options. Of a model in a folder, and of LoRAs and textual
    inversions, only the name is known, so the person has to fill in where they are.

    Args:
        model: its identity.
    """
    base, added = parted(model)
    name, _, revision = base.partition("@")
    is_at_hub = "/" in name
    kind = "path" if name.endswith(".safetensors") else "folder"
    options = {"model": name if is_at_hub or name == BUNDLED else f"<{kind} of {name}>"}
    options |= {"revision": revision} if is_at_hub else {}
    options |= {option: ",".join(files) for option, files in added.items()}
    stated = settings.made_with()
    known = [key for key in RunSettings.model_fields if key not in ("model", "plans") and stated.get(key) is not None]
    options |= {key.replace("_", "-"): str(stated[key]) for key in known if key != "probe"}
    return options | ({"probe": ""} if settings.probe else {})


def words_of_options(options: Mapping[str, str | tuple[str, ...]]) -> list[str]:
    """Options as words of a command: with an equals sign, since a value may begin with a dash.

    ``probe`` is a flag, and has no value; an option with several values is repeated.
    """
    listed = [(name, value if isinstance(value, tuple) else (value,)) for name, value in options.items()]
    return ["--probe" if name == "probe" else f"--{name}={value}" for name, values in listed for value in values]


def command_of_plan(plan: Mapping[str, Any], settings: RunSettings, source_root: str | None, out: Path) -> str | None:
    """The command that makes the rest of a plan in its folder, quoted for a shell.

    Settings that a run takes over from its folder's header are left out. What the header does not say is for the person
    to fill in, as are class names that cannot be typed in a list.

    Args:
        plan: as the header states it.

    Returns:
        None if the plan is of another genie, or has characters that do not print.
    """
    try:
        recipe = Recipe.model_validate({**plan, "model": settings.model or ""})
    except ValidationError:
        return None
    options: dict[str, str | tuple[str, ...]] = {}
    if (named := _class_names_of(recipe)) is None:
        return None
    if recipe.method.uses_source:
        options["src-dir"] = source_root or "<folder of the sources>"
        options |= {"src-label": str(plan["src_label"])} if plan.get("src_label") else {}
    if recipe.sources_for:
        options |= {"confusion": "<file of genie confuse>", "top-k": str(plan.get("top_k", 4))}
    can_be_typed = not any("," in name or name.startswith("@") or name.strip() == "all" for name in recipe.targets)
    options["targets"] = ",".join(recipe.targets) if can_be_typed else "@<file of the class names>"
    options["method"] = recipe.method.value
    options |= {"r": ",".join(map(str, recipe.r))} if recipe.method.uses_source else {}
    if recipe.chosen_by:
        options |= {"r": ADAPTIVE_R, "backbone": str(plan.get("backbone") or recipe.chosen_by.rpartition("@")[0])}
        options |= {"checkpoint": "<file of its weights>"} if plan.get("checkpoint") else {}
    options |= named | {"prompt": recipe.prompt} | ({"superclass": recipe.superclass} if recipe.superclass else {})
    options |= {"per-target": str(recipe.per_target), "seed": str(recipe.seed)}
    return _generate(options, settings, out)


def _class_names_of(recipe: Recipe) -> dict[str, str] | None:
    """The option that names the classes in a recipe's prompts, if the usual words for them are others.

    Returns:
        None if no option makes these prompts any more, as of an earlier genie.
    """
    words = {target: words_of(target) for target in recipe.targets}
    is_bundled = bool(vocabulary(recipe.model.partition("@")[0]))
    now = recipe.model_copy(update={"words": words, "prompts": {}, "articles": not is_bundled})
    if all(recipe.prompts_for(target) == now.prompts_for(target) for target in recipe.targets):
        return {}
    return {"class-names": "<file of --write-class-names>"} if recipe.articles or is_bundled else None


def command_of_rows(settings: RunSettings, out: Path) -> str | None:
    """The command that tries all rows of a manifest again that are not made; returns None as `command_of_plan`."""
    return _generate({"plan": str(out)}, settings, out)


def _generate(options: Mapping[str, str | tuple[str, ...]], settings: RunSettings, out: Path) -> str | None:
    how = {name: value for name, value in options_of(settings.model or "", settings).items() if name not in _FOLLOWED}
    command = shlex.join(["genie", "generate", *words_of_options({**options, **how}), f"--out={out}"])
    return command if command.isprintable() else None
