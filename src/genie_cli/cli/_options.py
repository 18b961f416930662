"""Options: those that are settings are built from their declaration in `config`, and others are declared once here."""

from __future__ import annotations

import functools
import inspect
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

import typer

from genie_cli.cli._console import ConsoleObserver
from genie_cli.cli._settings import choose, default_of, describe
from genie_cli.config import BUNDLED, STABLE_DIFFUSION
from genie_cli.settings import (
    choices_of,
    flag_of,
    is_flag,
    is_rare,
    is_repeated,
    metavar_of,
    option_of,
    split_list,
    takes_several,
    variable_of,
)

INPUT, EVALUATION, TRAINING, GENERATION = "Input", "Evaluation", "Training", "Generation"
MODEL, OUTPUT, RUN, ADVANCED = "Model", "Output", "Run", "Advanced"
PANELS = (INPUT, EVALUATION, TRAINING, GENERATION, MODEL, OUTPUT, RUN, ADVANCED)

_PANEL_OF_SECTION = {
    "generate": GENERATION,
    "model": MODEL,
    "output": OUTPUT,
    "data": INPUT,
    "fewshot": EVALUATION,
    "finegrained": EVALUATION,
    "longtail": TRAINING,
}
_PANEL_OF_KEY = {
    "longtail.thresholds": EVALUATION,
    "longtail.per_class": EVALUATION,
    "longtail.fill_to": EVALUATION,
    "generate.seed": RUN,
}
# What is completed beside a setting's own choices.
_SUGGESTED = {
    "model.name": (BUNDLED, STABLE_DIFFUSION),
    "model.device": ("auto", "cpu", "cuda", "cuda:0", "mps"),
    "model.slots": ("auto", "1", "2", "4", "8", "16", "32"),
}


def option(
    *flags: str,
    help: str,  # noqa: A002 - as in Typer
    panel: str,
    metavar: str = "",
    default: str = "",
    choices: Sequence[str] = (),
    **more: Any,
) -> Any:
    """An option that is no setting.

    Args:
        metavar: what stands for its value in help; empty for a flag.
        default: the default in words, where it is not the parameter's own.
        choices: values to complete with TAB.
    """
    if choices:
        more["autocompletion"] = lambda incomplete: [word for word in choices if word.startswith(incomplete)]
    text = help + (f" Default: {default}." if default else "")
    return typer.Option(*flags, help=text, show_default=False, metavar=metavar, rich_help_panel=panel, **more)


def whole_number(least: int, most: int = 10**12) -> Callable[[str], int]:
    """Reads the value of an option that is a whole number, from ``least`` to ``most``."""

    def read(text: str) -> int:
        try:
            number = int(text)
        except ValueError:
            number = least - 1
        if number < least:
            raise typer.BadParameter(f"must be a whole number, at least {least}: {text!r} was given")
        if number > most:
            raise typer.BadParameter(f"must be at most {most}: {text!r} was given")
        return number

    return read


def probability(text: str) -> float:
    """Reads the value of an option that is a probability."""
    try:
        number = float(text)
    except ValueError:
        number = -1
    if not 0 <= number <= 1:
        raise typer.BadParameter(f"must be a number from 0 to 1: {text!r} was given")
    return number


Json = Annotated[bool, option("--json", help="Print JSON Lines to stdout, as in a pipe.", panel=OUTPUT)]
DryRun = Annotated[bool, option("--dry-run", help="Show what would be done and how long it takes.", panel=RUN)]
Partial = Annotated[bool, option("--partial", help="Accept an incomplete data set.", panel=INPUT)]
Manifests = Annotated[
    list[str] | None,
    option(
        "--manifest", help="Use the generated images of this manifest ('-': stdin).", panel=INPUT, metavar="FILE,..."
    ),
]
SoftLabels = Annotated[
    bool, option("--soft-labels", help="Train with the oracle's probabilities as labels.", panel=EVALUATION)
]
PlanOut = Annotated[
    str | None,
    option(
        "--plan-out",
        help="Only write the plan of the images that are needed ('-': stdout).",
        panel=OUTPUT,
        metavar="FILE",
    ),
]


def with_settings(
    known: Sequence[str], words: Mapping[str, str] | None = None
) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Append an option for each setting to a command, and pass it what they come to as ``chosen``.

    A setting can be typed, or given in the environment or the settings file; see `_settings.choose`.

    Args:
        known: the keys of the settings.
        words: from a key to a word that, typed alone, is no value of the setting but asks the command for something
            else; it is among ``chosen.options`` only.
    """

    def decorate(command: Callable[..., None]) -> Callable[..., None]:
        own = [
            parameter.replace(kind=inspect.Parameter.KEYWORD_ONLY)
            for name, parameter in inspect.signature(command, eval_str=True).parameters.items()
            if name != "chosen"
        ]
        added = [*map(_parameter, known), _keyword("ctx", typer.Context), _keyword("config", _CONFIG, None)]

        @functools.wraps(command)
        def wrapper(**values: Any) -> None:
            ctx, config = values.pop("ctx"), values.pop("config")
            given: dict[str, Any] = {}
            typed, said = set(), {}
            for key in known:
                name = _name_of(key)
                value = values.pop(name)
                if value is None and not _is_read_by_typer(key):
                    value = os.environ.get(variable_of(key)) or None
                is_typed = ctx.get_parameter_source(name).name == "COMMANDLINE"
                if is_typed and (word := (words or {}).get(key)) and _plain(key, value) == [word]:
                    said[option_of(key)] = word
                elif value is not None:
                    given[key] = _plain(key, value)
                    typed |= {key} if is_typed else set()
            chosen = choose(config, given, typed, known, ConsoleObserver())
            command(**values, chosen=replace(chosen, options={**chosen.options, **said}))

        wrapper.__signature__ = inspect.Signature(sorted([*own, *added], key=_place))  # type: ignore[attr-defined]
        wrapper.__annotations__ = {}
        return wrapper

    return decorate


_CONFIG = Annotated[
    Path | None, option("--config", help="Settings file.", panel=RUN, metavar="FILE", default="./genie.toml")
]


def _parameter(key: str) -> inspect.Parameter:
    """The parameter of a setting; None means that it was neither typed nor in the environment."""
    choices = (*choices_of(key), *_SUGGESTED.get(key, ()))
    declared = option(
        flag_of(key),
        help=describe(key),
        panel=ADVANCED if is_rare(key) else _PANEL_OF_KEY.get(key, _PANEL_OF_SECTION[key.partition(".")[0]]),
        metavar=metavar_of(key),
        default=default_of(key),
        choices=choices,
        envvar=variable_of(key) if _is_read_by_typer(key) else None,
        show_envvar=False,
    )
    several = takes_several(key) or is_repeated(key)
    kind: Any = list[str] | None if several else bool | None if is_flag(key) else str | None
    return _keyword(_name_of(key), Annotated[kind, declared], None)


def _plain(key: str, value: Any) -> Any:
    """A value as a settings file would have it."""
    if takes_several(key):
        return split_list(value)
    if not is_repeated(key):
        return value
    texts = value if isinstance(value, list) else value.splitlines()
    return texts[0] if len(texts) == 1 else texts


def _is_read_by_typer(key: str) -> bool:
    """Whether the variable of a setting is left to Typer.

    A flag's is not, so that a bad value is explained as that of any other setting; and of a text that may be given
    several times Typer would make one of each word, where each line is one.
    """
    return not (is_flag(key) or is_repeated(key))


def _keyword(name: str, annotation: Any, default: Any = inspect.Parameter.empty) -> inspect.Parameter:
    return inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, annotation=annotation, default=default)


def _name_of(key: str) -> str:
    return "setting_" + key.replace(".", "_")


def _place(parameter: inspect.Parameter) -> int:
    """Where an option's panel stands in help; arguments come first."""
    for detail in getattr(parameter.annotation, "__metadata__", ()):
        panel = getattr(detail, "rich_help_panel", None)
        if panel in PANELS:
            return PANELS.index(panel)
    return -1
