"""Settings by name: which option is which setting, values put onto settings, and bad values explained in plain words.

``"section.name"``, as in ``"generate.r"``, is a setting's key. What settings there are is declared in `config`.
Independent of torch.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from enum import StrEnum
from functools import cache
from pathlib import PurePath
from types import UnionType
from typing import Any, Literal, Union, get_args, get_origin

from pydantic import ValidationError
from pydantic.fields import FieldInfo

from genie_cli.config import MANY, PRESETS, Settings
from genie_cli.errors import UsageError, did_you_mean
from genie_cli.jobs import ADAPTIVE_R

Values = dict[str, Any]  # section to name to value, as a settings file has them
SECTIONS = tuple(Settings.model_fields)
_WIDEST = 20  # columns that a value may take in help


def keys(*sections: str) -> tuple[str, ...]:
    """The keys of these sections, in the order of their declaration."""
    return tuple(f"{section}.{name}" for section in sections for name in _fields(section))


def field_of(key: str) -> FieldInfo:
    """The declaration of a setting."""
    section, _, name = key.partition(".")
    return _fields(section)[name]


def option_of(key: str) -> str:
    """The name of a setting's option, as a keyword argument: ``"model"`` for ``"model.name"``."""
    return str(_extra(key)["option"] or key.partition(".")[2])


def flag_of(key: str) -> str:
    """The name of a setting's option as it is typed: ``"--per-target"``."""
    return "--" + option_of(key).replace("_", "-")


def variable_of(key: str) -> str:
    """The environment variable of a setting: ``"GENIE_PER_TARGET"``."""
    return str(_extra(key)["variable"] or "GENIE_" + option_of(key).upper())


def is_rare(key: str) -> bool:
    """Whether a setting is one of the advanced ones."""
    return bool(_extra(key)["rare"])


def takes_several(key: str) -> bool:
    """Whether a setting is a list of values."""
    return get_origin(field_of(key).annotation) is tuple


def is_repeated(key: str) -> bool:
    """Whether a setting may be given several times, each time a text as it is, which may have commas in it."""
    annotation = field_of(key).annotation
    return get_origin(annotation) in (Union, UnionType) and any(
        get_origin(kind) is tuple for kind in get_args(annotation)
    )


def is_flag(key: str) -> bool:
    """Whether a setting is either on or off, and its option a flag that switches it on."""
    return field_of(key).annotation is bool


def choices_of(key: str) -> tuple[str, ...]:
    """The values that a setting can have, if it is enumerated; else empty."""
    kind = field_of(key).annotation
    if isinstance(kind, type) and issubclass(kind, StrEnum):
        return tuple(member.value for member in kind)
    return tuple(map(str, get_args(kind))) if get_origin(kind) is Literal else ()


def metavar_of(key: str) -> str:
    """What stands for a setting's value in help: its choices, or the kind of value; empty for a flag."""
    if is_flag(key):
        return ""
    if chosen := str(_extra(key)["metavar"]):
        return chosen
    if choices := choices_of(key):
        joined = "|".join(choices)
        return joined if len(joined) <= _WIDEST else "NAME"
    item = _item_kind(field_of(key).annotation)
    name = {int: "INT", float: "FLOAT"}.get(item, "TEXT")
    return f"{name},..." if takes_several(key) else name


def split_list(words: Sequence[str] | None) -> list[str] | None:
    """Values given as ``a,b`` or one by one, or both; blanks around them do not count. None stays None."""
    if words is None:
        return None
    return [part.strip() for word in words for part in word.split(",") if part.strip()]


def override(settings: Settings, options: Mapping[str, Any], known: Sequence[str]) -> tuple[Settings, frozenset[str]]:
    """Settings with the values of keyword arguments, and the keys that were given.

    Args:
        options: option names to values, as ``r=0.8`` or ``model="digits"``; a single value may stand for a list.
        known: the keys that the caller accepts.

    Raises:
        UsageError: an argument is not a setting, or a value is out of range; all are named.
    """
    if not isinstance(settings, Settings):  # a program may pass anything
        raise UsageError(f"settings must be a genie_cli.config.Settings, not {settings!r}")
    by_option = {option_of(key): key for key in known}
    if unknown := [name for name in options if name not in by_option]:
        raise UsageError(f"{unknown[0]} is not a setting of this function{did_you_mean(unknown[0], list(by_option))}")
    values = settings.model_dump(exclude_unset=True)
    given = {by_option[name]: _listed(by_option[name], value) for name, value in options.items() if value is not None}
    return build(merged(values, given), lambda key: option_of(key)), frozenset(given)


def with_defaults(settings: Settings, defaults: Mapping[str, Any]) -> Settings:
    """Settings with other defaults: values for the keys that nobody has set, by a flag, a variable or a file."""
    for key, value in defaults.items():
        section, _, name = key.partition(".")
        content = getattr(settings, section)
        if name not in content.model_fields_set:
            settings = settings.model_copy(update={section: content.model_copy(update={name: value})})
    return settings


def is_set(settings: Settings, key: str) -> bool:
    """Whether anybody has set a value, by a flag, a variable or a file."""
    section, _, name = key.partition(".")
    return name in getattr(settings, section).model_fields_set


def merged(values: Values, given: Mapping[str, Any]) -> Values:
    """Values of a file under those ``given`` by key, with what a preset stands for in between."""
    for key, value in (*preset_of(values, given).items(), *given.items()):
        section, _, name = key.partition(".")
        content = values.setdefault(section, {})
        if isinstance(content, dict):
            content[name] = value
    return values


def preset_of(values: Values, given: Mapping[str, Any]) -> Mapping[str, Any]:
    """The settings that the preset stands for; none for an unknown one, which is reported with the other values."""
    section = values.get("generate")
    written = section.get("preset") if isinstance(section, dict) else None
    return PRESETS.get(str(given.get("generate.preset") or written), {})


def build(values: Values, label: Callable[[str], str], others: Sequence[str] = ()) -> Settings:
    """Settings of values by section and name.

    Args:
        label: what a message calls the setting of a key, such as ``--r``.
        others: further problems to report.

    Raises:
        UsageError: with all problems, not only the first.
    """
    problems = list(others)
    settings = Settings()
    try:
        settings = Settings.model_validate(values)
    except ValidationError as error:
        problems += _first_of_each(error, label)
    if problems:
        raise UsageError(problems, "all settings and what they mean: genie config")
    return settings


def _first_of_each(error: ValidationError, label: Callable[[str], str]) -> Iterator[str]:
    """A sentence for each setting with a bad value; one is enough, even where a type has alternatives."""
    seen = set()
    for problem in error.errors():
        key = ".".join(str(part) for part in problem["loc"][:2])
        if key not in seen:
            seen.add(key)
            yield f"{label(key)}: {_explain(key, problem)}"


def _explain(key: str, problem: Any) -> str:
    """One of pydantic's errors in plain words, with the value that was given."""
    value, kind = problem["input"], problem["type"]
    if "." not in key:
        return f"must be a section, such as [{key}]: {value!r} was given"
    if choices := choices_of(key):
        return f"{value!r} is not one of {', '.join(choices)}{did_you_mean(str(value), choices)}"
    if kind == "value_error":
        return f"{problem['msg'].removeprefix('Value error, ')}: {value!r} was given"
    is_item = len(problem["loc"]) > 2 and kind != "missing"  # what is missing in a list is the list's fault
    return f"must be {_wanted(key, kind, is_item)}: {value!r} was given{_suggestion(key, value)}"


def _wanted(key: str, kind: str, is_item: bool) -> str:
    """What a value must be, by its declared type and range."""
    annotation = field_of(key).annotation
    if takes_several(key) and not is_item:
        fixed = [arg for arg in get_args(annotation) if arg is not ...]
        several = f"a list of {len(fixed)} values" if len(fixed) > 1 else "a list"
        return f"{several}, such as {', '.join(map(str, field_of(key).default or (0.6, 0.8)))}"
    if kind == "string_pattern_mismatch":
        return "RandAugment in timm's notation, such as m9-mstd0.5-inc1"
    if is_flag(key):
        return "true or false"
    number = {int: "a whole number", float: "a number"}.get(_item_kind(annotation))
    if number is None:
        return "text"
    alternative = "auto or " if "auto" in _literals(annotation) else ""
    return f"{alternative}{number}{_range_of(key, above=kind.startswith('less_than'))}"


def _range_of(key: str, above: bool) -> str:
    """The range of a setting, or of its items, in words.

    Args:
        above: the value is above it; else a limit that nobody reaches goes without saying.
    """
    bounds = dict(_bounds(field_of(key)))
    low = f"at least {bounds['ge']:g}" if "ge" in bounds else f"above {bounds['gt']:g}" if "gt" in bounds else ""
    high = f"at most {bounds['le']:,}" if "le" in bounds else f"below {bounds['lt']:g}" if "lt" in bounds else ""
    if bounds.get("le", 0) >= MANY and not above:
        high = ""
    if low and high:
        return f", {low} and {high}"
    return f", {low or high}" if low or high else ""


def _bounds(declared: FieldInfo) -> Iterator[tuple[str, Any]]:
    """Limits by their name (ge, gt, le, lt): of the field, else of the items of its type."""
    for annotated in (declared, *map(FieldInfo.from_annotation, _annotated(declared.annotation))):
        for limit in annotated.metadata:
            for name in ("ge", "gt", "le", "lt"):
                if getattr(limit, name, None) is not None:
                    yield name, getattr(limit, name)


def _suggestion(key: str, value: object) -> str:
    """What was probably meant: a percentage for a ratio, or what another command calls an r for each image."""
    if key == "generate.r" and value == ADAPTIVE_R:
        return "; genie generate takes it alone, as a flag; genie fewshot has --augment genie-ada --ada probe for it"
    try:
        number = float(str(value))
    except ValueError:
        return ""
    if dict(_bounds(field_of(key))).get("le") == 1 and 1 < number <= 100:
        return f"; did you mean {number / (100 if number > 10 else 10):g}?"
    return ""


def _listed(key: str, value: Any) -> Any:
    """A list setting's value as a list: a single value, or text with commas, may stand for one; a path as text."""
    if not takes_several(key):
        return str(value) if isinstance(value, PurePath) else value
    if isinstance(value, str):
        return split_list([value])
    values = list(value) if isinstance(value, (list, tuple)) else [value]
    is_text = _item_kind(field_of(key).annotation) is str
    return [str(each) if is_text and isinstance(each, PurePath) else each for each in values]


def _item_kind(annotation: Any) -> Any:
    """``int``, ``float`` or another class: of the values, or of the items of a list."""
    if get_origin(annotation) in (tuple, Union, UnionType):
        kinds = [_item_kind(arg) for arg in get_args(annotation) if arg is not ...]
        return next((kind for kind in kinds if kind in (int, float)), kinds[0])
    return FieldInfo.from_annotation(annotation).annotation if hasattr(annotation, "__metadata__") else annotation


def _annotated(annotation: Any) -> list[Any]:
    """The types with limits of their own inside a list or a union."""
    return [arg for arg in get_args(annotation) if hasattr(arg, "__metadata__")]


def _literals(annotation: Any) -> tuple[Any, ...]:
    return tuple(word for arg in get_args(annotation) if get_origin(arg) is Literal for word in get_args(arg))


@cache
def _fields(section: str) -> dict[str, FieldInfo]:
    fields: dict[str, FieldInfo] = Settings.model_fields[section].default.__class__.model_fields
    return fields


def _extra(key: str) -> Mapping[str, Any]:
    extra = field_of(key).json_schema_extra
    return extra if isinstance(extra, dict) else {}
