"""What `genie confuse` can start from, and which options go with each input."""

from __future__ import annotations

from collections.abc import Iterable, Set

from genie_cli.errors import UsageError

BACKBONE = "vit_base_patch14_dinov2.lvd142m"  # DINOv2 ViT-B/14
FOLDS = 5

_USED = {
    "src_dir": {"backbone", "checkpoint", "folds", "device"},
    "from_predictions": {"classes"},
    "from_logits": {"true", "classes"},
}


def require_one_input(given: Set[str]) -> None:
    """Raise UsageError unless exactly one input is given, with the options it needs and no others.

    Args:
        given: names of the options that were given.
    """
    inputs = [name for name in _USED if name in given]
    if len(inputs) != 1:
        raise UsageError(
            f"give one of {_flags(_USED)}" + (f", not {_flags(inputs, ' and ')}" if inputs else ""),
            "for example: genie confuse --src-dir photos",
        )
    if ignored := sorted(given - _USED[inputs[0]] - set(inputs)):
        raise UsageError(f"{_flags(ignored)}: not used with {_flags(inputs)}", "leave out what is not used")
    if inputs == ["from_logits"] and "true" not in given:
        raise UsageError("--from-logits needs the images' classes", "give them with --true labels.csv")


def _flags(names: Iterable[str], between: str = ", ") -> str:
    return between.join("--" + name.replace("_", "-") for name in names)
