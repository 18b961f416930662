"""The class names that a model was trained on, where they are few enough to list."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path


def vocabulary(model: str) -> tuple[str, ...]:
    """The only class names that a bundled model can draw, in its own order; empty for a model that knows language.

    They lie beside the model's weights, in ``classes.txt``, one per line.
    """
    if "/" in model or "\\" in model:
        return ()
    file = Path(str(files("genie_cli"))) / "bundled" / model / "classes.txt"
    return tuple(file.read_text(encoding="utf-8").split()) if file.is_file() else ()
