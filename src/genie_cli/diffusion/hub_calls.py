"""Calls of the Hugging Face hub: a few tries, and a line for each kind of trouble instead of the library's messages."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Lock
from typing import TypeVar

from genie_cli.diffusion.hub_errors import may_pass
from genie_cli.diffusion.libraries import quiet
from genie_cli.observer import Observer

NO_ANSWER = "the hub does not answer; trying again"
TOO_MANY = "the hub takes no more requests for now; waiting, then trying again (it takes more if HF_TOKEN is set)"
_PAUSES = (1, 2)  # seconds between tries

# Of huggingface_hub's messages, in this order; all others are of no use to a person, or follow one of these.
_LINES = (
    ("HTTP Error 429", TOO_MANY),
    ("Rate limited", TOO_MANY),
    ("thrown while requesting", NO_ANSWER),
    ("Error while downloading from", NO_ANSWER),
)

Result = TypeVar("Result")


class HubCalls:
    """Calls the hub while `hub_calls` is open."""

    def __init__(self, observer: Observer) -> None:
        self._observer = observer
        self._said: set[str] = set()
        self._lock = Lock()  # files are downloaded by several threads

    def __call__(self, call: Callable[[], Result]) -> Result:
        """The call's result; tried again after trouble that may pass, as huggingface_hub does for some requests.

        Raises:
            Exception: what the last try raised.
        """
        for pause in _PAUSES:
            try:
                return call()
            except Exception as error:  # errors of the hub and the network have no common base class
                if not may_pass(error):
                    raise
            self.say(NO_ANSWER)
            time.sleep(pause)
        return call()

    def say(self, line: str) -> None:
        """Warn, if this line has not been said before."""
        with self._lock:
            if line not in self._said:
                self._said.add(line)
                self._observer.warning(line)


@contextmanager
def hub_calls(observer: Observer) -> Iterator[HubCalls]:
    """While this is open, what huggingface_hub logs is told in one line for each kind of trouble; it draws no bars."""
    calls = HubCalls(observer)
    logger = logging.getLogger("huggingface_hub")
    with quiet(), _without_bars():
        before = logger.level, logger.propagate, logger.handlers
        logger.propagate, logger.handlers = False, [_Handler(calls)]
        logger.setLevel(logging.WARNING)
        try:
            yield calls
        finally:
            logger.setLevel(before[0])
            _, logger.propagate, logger.handlers = before


class _Handler(logging.Handler):
    def __init__(self, calls: HubCalls) -> None:
        super().__init__(logging.WARNING)
        self._calls = calls

    def emit(self, record: logging.LogRecord) -> None:
        message = record.getMessage()
        line = next((line for part, line in _LINES if part in message), None)
        if line:
            self._calls.say(line)


@contextmanager
def _without_bars() -> Iterator[None]:
    """Keep huggingface_hub from drawing bars, which would break up the caller's, and fill logs."""
    from huggingface_hub.utils import (  # type: ignore[attr-defined]
        are_progress_bars_disabled,
        disable_progress_bars,
        enable_progress_bars,
    )

    if are_progress_bars_disabled():
        yield
        return
    disable_progress_bars()
    try:
        yield
    finally:
        enable_progress_bars()
