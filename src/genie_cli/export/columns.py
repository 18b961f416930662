"""The columns of an exported set: a manifest's row, flat, and the same for a photo. Nothing here is a setting."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from genie_cli.generate.card import Feature
from genie_cli.jobs import Source
from genie_cli.manifest import Row

# All but the image, in their order. A column that is null in the whole set is left out of it.
COLUMNS = (
    Feature("label", "class_label", "the class"),
    Feature("synthetic", "bool", "true: generated; false: a photo"),
    Feature("id", "string", "of a generated image its job, of a photo the start of its SHA-256"),
    Feature("sha256", "string", "SHA-256 of the image's file"),
    Feature("photo", "string", "of a photo: its path in the folder that it came from"),
    Feature("method", "string", "`genie`, `img2img` or `txt2img`"),
    Feature("r", "float64", "noise ratio, 0 to 1: how little of the source is left"),
    Feature("prompt", "string", "the prompt"),
    Feature("seed", "int64", "seed of the run"),
    Feature("replicate", "int64", "0 for the first image of this source, class and r"),
    Feature("model", "string", "the diffusion model"),
    Feature("source_label", "string", "class of the photo that it was made from"),
    Feature("source_path", "string", "path of that photo"),
    Feature("source_sha256", "string", "SHA-256 of that photo; split by it to keep a photo with what was made of it"),
    Feature("oracle", "string", "the classifier that judged it"),
    Feature("target_probability", "float64", "the classifier's probability of the class"),
    Feature("source_probability", "float64", "and of the source's class"),
    Feature("top", "string", "the classifier's most probable class"),
    Feature("margin", "float64", "`target_probability` less the highest of another class"),
    Feature("consistent", "bool", "whether `top` is the class"),
    Feature("verdict", "string", "`hard negative`, `easy (source lost)`, `correctly labelled` or `mislabelled`"),
    Feature("source_similarity", "float64", "how similar it still is to its source, 0 to 1"),
)
_OF_ORACLE = tuple(each.name for each in COLUMNS[-8:])


def of_row(row: Row) -> dict[str, Any]:
    """The columns of a generated image, without its label."""
    job = row.job
    said = row.judgement.column() if row.judgement else {}
    known: dict[str, Any] = {
        "synthetic": True,
        "id": job.id,
        "sha256": row.sha256,
        "method": job.method.value,
        "r": job.r,
        "prompt": job.prompt,
        "seed": job.seed,
        "replicate": job.replicate,
        "model": job.model,
    }
    if job.source:
        known |= {f"source_{name}": getattr(job.source, name) for name in ("label", "path", "sha256")}
    return known | {name: said[name] for name in _OF_ORACLE if name in said}


def of_photo(source: Source) -> dict[str, Any]:
    """The columns of a photo, without its label."""
    return {"synthetic": False, "id": source.sha256[:20], "sha256": source.sha256, "photo": source.path}


def used(records: Iterable[Mapping[str, Any]]) -> tuple[Feature, ...]:
    """The label, and the columns in which at least one image has a value."""
    names = {"label"} | {name for record in records for name, value in record.items() if value is not None}
    return tuple(each for each in COLUMNS if each.name in names)


def record(label: str, known: Mapping[str, Any], features: Sequence[Feature]) -> dict[str, Any]:
    """One image's values of these columns; null where it has none."""
    return {each.name: label if each.name == "label" else known.get(each.name) for each in features}
