"""Settings from flags, the environment and `genie.toml`; and a commented `genie.toml` from the settings.

Flag > environment > preset > file > default. What settings there are is declared in `config`. This module does not
know torch.
"""

from __future__ import annotations

import difflib
import json
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from genie_cli.config import PRESETS, Settings
from genie_cli.errors import UsageError

FILE_NAME = "genie.toml"


def resolve(file: Path | None, options: Mapping[str, Any]) -> Settings:
    """Settings from the file, overridden by options.

    Args:
        file: a TOML file; None reads `genie.toml` in the working directory if there is one.
        options: ``"section.name"`` to value, from flags and the environment; None means not given.

    Raises:
        UsageError: with every unknown key and bad value, not only the first.
    """
    if file is None and Path(FILE_NAME).is_file():
        file = Path(FILE_NAME)
    values = _read(file) if file else {}
    problems = list(_unknown_keys(values, file))
    for option, value in (*_preset(values, options).items(), *options.items()):
        section, _, name = option.partition(".")
        content = values.setdefault(section, {})
        if value is not None and isinstance(content, dict):
            content[name] = value
    try:
        settings = Settings.model_validate(_known(values))
    except ValidationError as error:
        given = {option for option, value in options.items() if value is not None}
        problems += [_explain(problem, given, file) for problem in error.errors()]
    if problems:
        raise UsageError("\n".join(problems), "all settings and their meaning: genie init --out all-settings.toml")
    return settings


def _preset(values: Mapping[str, Any], options: Mapping[str, Any]) -> Mapping[str, Any]:
    """The options that the preset stands for; none for one that is unknown, which is reported with the others."""
    section = values.get("generate")
    written = section.get("preset") if isinstance(section, dict) else None
    return PRESETS.get(str(options.get("generate.preset") or written), {})


def _read(file: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise UsageError(f"there is no settings file {file}", f"write one: genie init --out {file}") from None
    except (OSError, ValueError, RecursionError) as error:
        raise UsageError(f"{file} cannot be read: {error}") from None


def _known(values: Mapping[str, Any]) -> dict[str, Any]:
    """The values without the keys that are reported as unknown, so that the rest is still checked."""
    known = {}
    for section, field in Settings.model_fields.items():
        content = values.get(section, {})
        names = field.default.__class__.model_fields
        known[section] = {k: v for k, v in content.items() if k in names} if isinstance(content, dict) else content
    return known


def _unknown_keys(values: Mapping[str, Any], file: Path | None) -> Iterator[str]:
    sections = list(Settings.model_fields)
    for section, content in values.items():
        if section not in sections:
            yield f"{file}: unknown section [{section}]{_nearest(section, sections)}"
        elif isinstance(content, dict):
            names = list(Settings.model_fields[section].default.__class__.model_fields)
            for name in content:
                if name not in names:
                    yield f"{file}: unknown key {name!r} in [{section}]{_nearest(name, names)}"


def _nearest(word: str, known: list[str]) -> str:
    near = difflib.get_close_matches(word, known, n=1, cutoff=0.5)
    return f"; did you mean {near[0]!r}?" if near else f"; known: {', '.join(known)}"


def _explain(problem: Any, given: set[str], file: Path | None) -> str:
    """One of pydantic's errors in words, with the place the value came from."""
    section, *rest = (str(part) for part in problem["loc"])
    name = rest[0] if rest else ""
    where = "--" + name.replace("_", "-") if f"{section}.{name}" in given else f"{file}: [{section}] {name}".rstrip()
    message = problem["msg"].removeprefix("Value error, ")
    return f"{where}: {message[0].lower()}{message[1:]} (got {problem['input']!r})"


def describe(option: str) -> str:
    """The explanation of ``"section.name"``."""
    section, _, name = option.partition(".")
    return str(_fields(section)[name].description)


def default_of(option: str) -> str:
    """The default of ``"section.name"`` as it would stand in the file; empty if there is nothing to show."""
    section, _, name = option.partition(".")
    value = _fields(section)[name].default
    return "" if value in ("", ()) else _toml(value).strip('"')


def _fields(section: str) -> dict[str, Any]:
    fields: dict[str, Any] = Settings.model_fields[section].default.__class__.model_fields
    return fields


def template() -> str:
    """A commented `genie.toml` with every setting at its default."""
    blocks = ["# Settings of genie. A flag beats the environment (GENIE_OUT for --out), which beats this file."]
    for section, field in Settings.model_fields.items():
        lines = [f"[{section}]  # {field.default.__class__.__doc__.lower().rstrip('.')}"]
        for name, setting in _fields(section).items():
            lines.append(f"# {setting.description}\n{name} = {_toml(setting.default)}")
        blocks.append("\n".join(lines))
    return "\n\n".join(blocks) + "\n"


def _toml(value: Any) -> str:
    if isinstance(value, tuple):
        return json.dumps(list(value))
    return json.dumps(getattr(value, "value", value))
