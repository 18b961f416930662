"""The command line that makes an image again, from what a manifest's header or an image's record states."""

from __future__ import annotations

import shlex

from genie_cli.config import BUNDLED
from genie_cli.header import RunSettings
from genie_cli.manifest import Document


def command_for(document: Document) -> str:
    """The command that makes the images of a manifest's folder again that are not there."""
    settings, folder = document.header.settings, str(document.root)
    options = {"plan": folder, **options_of(settings.model or "", settings), "out": folder}
    return shlex.join(["genie", "generate", *words_of(options)])


def options_of(model: str, settings: RunSettings) -> dict[str, str]:
    """The options of `genie generate`, by name, that repeat a run's settings.

    Settings that genie does not know never become options. Of a model in a folder only the name is known, so the
    person has to fill in where it is.

    Args:
        model: its identity.
    """
    name, _, revision = model.partition("@")
    is_at_hub = "/" in name
    options = {"model": name if is_at_hub or name == BUNDLED else f"<folder of {name}>"}
    options |= {"revision": revision} if is_at_hub else {}
    stated = settings.made_with()
    known = [key for key in RunSettings.model_fields if key not in ("model", "plan") and stated.get(key) is not None]
    options |= {key: str(stated[key]) for key in known if key != "probe"}
    return options | ({"probe": ""} if settings.probe else {})


def words_of(options: dict[str, str]) -> list[str]:
    """Options as words of a command: with an equals sign, since a value may begin with a dash.

    ``probe`` is a flag, and has no value.
    """
    return ["--probe" if name == "probe" else f"--{name}={value}" for name, value in options.items()]
