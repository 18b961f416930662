"""Where a command's settings come from, and `genie.toml`: flag > environment > preset > file > default."""

from __future__ import annotations

import json
import os
import shlex
from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from genie_cli.cli._endings import TRACEBACK
from genie_cli.config import Settings
from genie_cli.errors import UsageError, nearest
from genie_cli.files.reading import read_text, reason
from genie_cli.observer import Observer
from genie_cli.settings import (
    SECTIONS,
    Values,
    build,
    field_of,
    flag_of,
    keys,
    merged,
    option_of,
    preset_of,
    takes_several,
    variable_of,
)

FILE_NAME = "genie.toml"
_TEMPLATE_HEAD = """\
# Settings of genie, at their defaults. A flag overrides the environment (GENIE_OUT for --out), which overrides this
# file. `genie config` shows what is in force and where it comes from."""


@dataclass(frozen=True)
class Chosen:
    """A command's settings.

    Attributes:
        settings: all settings in force.
        options: those that were typed, by the name of their option: keyword arguments of `api`.
        typed: their keys.
        origins: where each setting comes from, by key; what is not here is at its default.
    """

    settings: Settings = field(default_factory=Settings)
    options: Mapping[str, Any] = field(default_factory=dict)
    typed: Set[str] = frozenset()
    origins: Mapping[str, str] = field(default_factory=dict)


def choose(
    file: Path | None, given: Mapping[str, Any], typed: Set[str], known: Sequence[str], observer: Observer
) -> Chosen:
    """The settings of a command.

    Args:
        file: the settings file; None: `genie.toml` in the working directory, if there is one, which is then named.
        given: values by key, from flags and the environment.
        typed: the keys of the flags.
        known: the keys that the command uses.

    Raises:
        UsageError: with every unknown key and bad value, not only the first.
    """
    path = file or _default_file()
    content = _read(path) if path else {}
    settings = _settings_of(content, path, given, {key for key in given if key not in typed})
    origins = {key: f"file {path}" for key, _ in _changes(content)}
    origins |= dict.fromkeys(preset_of(content, given), f"preset {settings.generate.preset}")
    origins |= {key: f"flag {flag_of(key)}" if key in typed else f"environment {variable_of(key)}" for key in given}
    if file is None and path:
        changed = [key for key in origins if key in known and origins[key] == f"file {path}"]
        if changed:
            listed = ", ".join(f"{key} = {_toml(_value_of(settings, key))}" for key in changed)
            observer.found(f"settings from {path}: {listed}")
    options = {option_of(key): given[key] for key in given if key in typed}
    return Chosen(settings, options, frozenset(typed), origins)


def resolve(file: Path | None, given: Mapping[str, Any]) -> Settings:
    """Settings from a file, overridden by values that were given.

    A value in the file that is the default says nothing: `genie init` writes all of them.

    Args:
        file: a TOML file; None: `genie.toml` in the working directory, if there is one.
        given: values by key; None means not given.

    Raises:
        UsageError: with every unknown key and bad value, not only the first.
    """
    path = file or _default_file()
    given = {key: value for key, value in given.items() if value is not None}
    return _settings_of(_read(path) if path else {}, path, given, frozenset())


def _settings_of(content: Values, file: Path | None, given: Mapping[str, Any], variables: Set[str]) -> Settings:
    """Settings of a file's content under those given; ``variables`` are the keys from the environment, for messages."""

    def label(key: str) -> str:
        if key in given:
            return variable_of(key) if key in variables else flag_of(key)
        section, _, name = key.partition(".")
        return f"{file}: [{section}] {name}".rstrip()

    return build(merged(_stated(content), given), label, list(_unknown_keys(content, file)))


def warn_of_unknown_variables(observer: Observer) -> None:
    """Name the variables that look like genie's and are none, with the one that was probably meant."""
    known = sorted({variable_of(key) for key in keys(*SECTIONS)})
    with_section = {f"GENIE_{key.replace('.', '_').upper()}": variable_of(key) for key in keys(*SECTIONS)}
    for variable in sorted(os.environ):
        if variable.startswith("GENIE_") and variable not in (*known, TRACEBACK):
            near = with_section.get(variable) or nearest(variable, known)
            observer.warning(f"{variable} is not a setting{f'; did you mean {near}?' if near else ''}")


def template() -> str:
    """A commented `genie.toml` with every setting at its default."""
    blocks = [_TEMPLATE_HEAD]
    for section, declared in Settings.model_fields.items():
        lines = [f"[{section}]  # {str(declared.default.__class__.__doc__).rstrip('.')}"]
        for key in keys(section):
            lines.append(f"# {describe(key)}\n{key.partition('.')[2]} = {_toml(field_of(key).default)}")
        blocks.append("\n".join(lines))
    return "\n\n".join(blocks) + "\n"


def describe(key: str) -> str:
    """The explanation of a setting."""
    return str(field_of(key).description)


def default_of(key: str) -> str:
    """The default of a setting as it is typed; empty if there is nothing to show."""
    value = field_of(key).default
    if value in ("", ()) or value is False:
        return ""
    return ", ".join(map(str, value)) if takes_several(key) else str(getattr(value, "value", value))


def in_force(chosen: Chosen) -> Iterator[tuple[str, str, str]]:
    """Every setting: its key, its value as it stands in the file, and where that comes from."""
    for key in keys(*SECTIONS):
        yield key, _toml(_value_of(chosen.settings, key)), chosen.origins.get(key, "default")


def _default_file() -> Path | None:
    return Path(FILE_NAME) if os.path.lexists(FILE_NAME) else None


def _read(file: Path) -> Values:
    import tomli

    try:
        content: Values = tomli.loads(read_text(file))
    except FileNotFoundError:
        hint = f"write one: {shlex.join(['genie', 'init', '--out', str(file)])}"
        raise UsageError(f"there is no settings file {file}", hint) from None
    except OSError as error:
        raise UsageError(f"{file} cannot be read: {reason(error)}") from None
    except (ValueError, RecursionError) as error:
        raise UsageError(f"{file} cannot be read: {error}") from None
    return content


def _stated(content: Values) -> Values:
    """The known values that differ from the defaults; a section that is none is kept, to be refused."""
    stated: Values = {}
    for section in SECTIONS:
        values = content.get(section, {})
        stated[section] = values if not isinstance(values, dict) else {}
    for key, value in _changes(content):
        section, _, name = key.partition(".")
        stated[section][name] = value
    return stated


def _changes(content: Values) -> Iterator[tuple[str, Any]]:
    """The keys and values of a file that are known and differ from the defaults."""
    for key in keys(*SECTIONS):
        section, _, name = key.partition(".")
        values = content.get(section)
        if isinstance(values, dict) and name in values and json.loads(_toml(field_of(key).default)) != values[name]:
            yield key, values[name]


def _unknown_keys(content: Values, file: Path | None) -> Iterator[str]:
    for section, values in content.items():
        if section not in SECTIONS:
            yield f"{file}: unknown section [{section}]{_suggestion(section, SECTIONS)}"
        elif isinstance(values, dict):
            names = [key.partition(".")[2] for key in keys(section)]
            for name in values:
                if name not in names:
                    yield f"{file}: unknown key {name!r} in [{section}]{_suggestion(name, names)}"


def _suggestion(word: str, known: Sequence[str]) -> str:
    near = nearest(word, known)
    return f"; did you mean {near!r}?" if near else f"; known: {', '.join(known)}"


def _value_of(settings: Settings, key: str) -> Any:
    section, _, name = key.partition(".")
    return getattr(getattr(settings, section), name)


def _toml(value: Any) -> str:
    if isinstance(value, tuple):
        return json.dumps(list(value))
    return json.dumps(getattr(value, "value", value))
