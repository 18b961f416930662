"""How a setting is declared."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict, Field


def setting(
    default: Any,
    description: str,
    *,
    option: str = "",
    variable: str = "",
    metavar: str = "",
    rare: bool = False,
    **bounds: Any,
) -> Any:
    """A field of a section.

    Args:
        option: the option's name without dashes, if it is not the field's own.
        variable: the environment variable, if it is not ``GENIE_`` and the option's name.
        metavar: what stands for the value in help, if the type alone does not say it.
        rare: shown among the advanced options.
        bounds: passed on to `pydantic.Field`.
    """
    extra: dict[str, Any] = {"option": option, "variable": variable, "metavar": metavar, "rare": rare}
    return Field(default, description=description, json_schema_extra=extra, **bounds)


# Limits that nobody reaches: beyond them, a number is a slip of the keyboard.
MANY = 10**9
LARGEST_SEED = 2**63 - 1


class Section(BaseModel):
    """A section of `genie.toml`."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)
