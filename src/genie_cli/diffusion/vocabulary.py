"""The class names that a bundled model can generate."""

from __future__ import annotations

import errno
from collections.abc import Iterable
from importlib.resources import files
from pathlib import Path

from genie_cli.errors import ModelError, UsageError, did_you_mean, shorten
from genie_cli.files.reading import is_file, read_text, reason


def vocabulary(model: str) -> tuple[str, ...]:
    """The only class names that a bundled model was trained on; empty for any other model, which takes any prompt.

    They are read from ``classes.txt`` in the model's folder, one name per line.

    Args:
        model: name of a model, as `locate.locate` takes it.

    Raises:
        ModelError: the list of a bundled model cannot be read.
    """
    if "/" in model or "\\" in model:
        return ()
    file = Path(str(files("genie_cli"))) / "bundled" / model / "classes.txt"
    try:
        return tuple(read_text(file).split()) if is_file(file) else ()
    except OSError as error:
        if error.errno in (errno.EINVAL, errno.ENAMETOOLONG):  # no bundled model has this name
            return ()
        raise ModelError(f"{file} cannot be read: {reason(error)}") from None
    except UnicodeDecodeError:
        raise ModelError(f"the bundled model {model} is damaged: {file} is not UTF-8 text") from None


def require_known(model: str, names: Iterable[str]) -> None:
    """Check that a model can generate classes.

    Args:
        model: name of a model, as `locate.locate` takes it.
        names: class names as they are in prompts.

    Raises:
        UsageError: the model is a bundled one, and was not trained on one of the classes.
    """
    known = vocabulary(model)
    if known and (others := [name for name in names if name not in known]):
        listed = shorten([repr(name) for name in others])
        raise UsageError(
            f"the bundled model {model} cannot draw {listed}{did_you_mean(others[0], known)}",
            f"it knows only: {', '.join(known)}; for other classes choose a Stable Diffusion model with --model",
        )
