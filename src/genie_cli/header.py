"""The first line of a plan or manifest: what was run, with which settings and versions."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from importlib.metadata import version
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, model_serializer, model_validator

from genie_cli import __version__

SCHEMA = 1
Kind = Literal["genie.plan", "genie.manifest"]
_OTHERS = ("torch", "diffusers", "transformers", "torchvision", "pillow")


class RunSettings(BaseModel):
    """How a run makes its images: what decides their bytes, besides the jobs, and the plans that it follows from.

    A plan that was written by hand need not have all of them, and a newer genie may add some: those are kept.

    Attributes:
        model: the model's identity.
        device: ``"cpu"``, ``"cuda"``, ...
        steps: None for probes, which take one step, whatever this setting is.
        negative_prompt: the prompt that guidance leads away from; left out, it is empty.
        probe: True if the images are probes (`diffusion.solver.Probe`); left out, they are whole ones.
        slots: the batch size.
        plans: the recipes of the jobs, one for each plan that added to the folder; a plan from a file has none.
    """

    model_config = ConfigDict(frozen=True, strict=True, extra="allow", allow_inf_nan=False)

    model: str | None = None
    steps: Annotated[int, Field(ge=1)] | None = None
    guidance: float | None = None
    negative_prompt: str | None = None
    probe: bool | None = None
    device: str | None = None
    dtype: str | None = None
    slots: Annotated[int, Field(ge=1)] | None = None
    attention: str | None = None
    compile: str | None = None
    format: str | None = None
    plans: Sequence[Mapping[str, Any]] | None = None

    @model_validator(mode="before")
    @classmethod
    def _from_one_plan(cls, said: Any) -> Any:
        """Headers of before folders could grow have one ``plan``, empty if it was read from a file."""
        if not isinstance(said, Mapping) or "plan" not in said or "plans" in said:
            return said
        plan = said["plan"]
        return {name: value for name, value in said.items() if name != "plan"} | {"plans": [plan] if plan else []}

    @model_serializer
    def stated(self) -> dict[str, Any]:
        """The settings that are stated, by name; those left open are not among them."""
        own = {name: getattr(self, name) for name in type(self).model_fields if name in self.model_fields_set}
        return own | (self.model_extra or {})  # not by getattr: one may be called as a method is, such as "json"

    def made_with(self) -> dict[str, Any]:
        """What decides an image's bytes, besides its job; it is also written into every image."""
        return {name: value for name, value in self.stated().items() if name != "plans"}


class Header(BaseModel):
    """The first line.

    Attributes:
        source_root: folder that the rows' source paths are relative to; None if no row has a source.
        root: folder that the rows' files are relative to; None: the folder the manifest lies in.
        rows: how many rows follow, so that a file that was cut off is never taken for a whole one; None: not known,
            as in a journal, or in a file that was written by hand.
        settings: everything that decides which images are made and how, resolved.
        versions: of the packages that an image's exact bytes depend on.
    """

    model_config = ConfigDict(frozen=True, strict=True, populate_by_name=True, serialize_by_alias=True)

    kind: Kind
    schema_version: int = Field(default=SCHEMA, alias="schema", ge=1)
    source_root: str | None = None
    root: str | None = None
    rows: Annotated[int, Field(ge=0)] | None = None
    settings: RunSettings = RunSettings()
    versions: Mapping[str, str] = {}

    def line(self, rows: int | None = None) -> str:
        """The header as a file has it, for this number of rows."""
        return self.model_copy(update={"rows": rows}).model_dump_json(exclude_none=True) + "\n"

    def differences(self, now: Header) -> Iterator[str]:
        """What would make other bytes: ``name: old -> new`` for every setting and version that differs.

        The plans may differ. So may versions that are not stated here, as in a manifest rebuilt from its images.
        """
        yield from _changes(self.settings.made_with(), now.settings.made_with())
        yield from _changes(self.versions, {key: value for key, value in now.versions.items() if key in self.versions})


def _changes(before: Mapping[str, Any], now: Mapping[str, Any]) -> Iterator[str]:
    for key in sorted({*before, *now}):
        old, new = before.get(key), now.get(key)
        if old != new:
            yield f"{key}: {json.dumps(old)} -> {json.dumps(new)}"


def versions() -> dict[str, str]:
    """Versions of the packages that an image's exact bytes depend on.

    They are as installed here, but genie's is this one's, which may run from its sources without being installed.
    """
    return {"genie-cli": __version__, **{name: version(name) for name in _OTHERS}}
