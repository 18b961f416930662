"""Other libraries at work on files from outside: nothing that they say is printed, and what they raise is told.

On arbitrary bytes they raise almost anything. Their messages name weights, which come from a file, too.
"""

from __future__ import annotations

import logging
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from genie_cli.errors import GenieError
from genie_cli.files.reading import fault

_LOGGERS = ("accelerate", "diffusers", "huggingface_hub", "timm", "torch", "transformers")


@contextmanager
def quiet() -> Iterator[None]:
    """Keep libraries from printing log messages and warnings; the caller reports the outcome."""
    loggers = [logging.getLogger(name) for name in _LOGGERS]
    before = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.CRITICAL + 1)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        for logger, level in zip(loggers, before, strict=True):
            logger.setLevel(level)


def draw_no_bars() -> None:
    """Keep libraries from drawing progress bars, which would break up the caller's."""
    import diffusers
    import transformers

    diffusers.utils.logging.disable_progress_bar()
    transformers.utils.logging.disable_progress_bar()


@contextmanager
def guarded(refuse: Callable[[str], GenieError]) -> Iterator[None]:
    """Turns whatever a library raises on a file from outside into one of genie's errors. Only a device's memory that
    is full is passed on: that is not the file's fault.

    Args:
        refuse: makes the error from the reason, a phrase.
    """
    try:
        with quiet():
            yield
    except GenieError:
        raise
    except BaseException as error:
        if not is_fault(error) or type(error).__name__ == "OutOfMemoryError":  # torch's, of a device
            raise
        raise refuse(fault(error)) from None


def is_fault(error: BaseException) -> bool:
    """Whether an error is one that a library raises on what it is given; those of Rust panic."""
    return isinstance(error, Exception) or type(error).__name__ == "PanicException"
