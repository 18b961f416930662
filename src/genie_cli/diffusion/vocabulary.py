"""The class names that a bundled model can generate."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path


def vocabulary(model: str) -> tuple[str, ...]:
    """The only class names that a bundled model was trained on; empty for any other model, which takes any prompt.

    They are read from ``classes.txt`` in the model's folder, one name per line.

    Args:
        model: name of a model, as `locate.locate` takes it.
    """
    if "/" in model or "\\" in model:
        return ()
    file = Path(str(files("genie_cli"))) / "bundled" / model / "classes.txt"
    return tuple(file.read_text(encoding="utf-8").split()) if file.is_file() else ()
