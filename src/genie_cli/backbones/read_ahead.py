"""Reads batches of images in threads while a network computes."""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

Value = TypeVar("Value")

_THREADS = 4


def read_ahead(batches: Sequence[Sequence[Callable[[], Value]]]) -> Generator[list[Value], None, None]:
    """What the functions of each batch return. While a batch is in use, the next one is read, and no more than that.

    Args:
        batches: functions that are called in one of several threads, each once.

    Raises:
        Exception: what the first function of a batch that fails has raised.
    """
    pool = ThreadPoolExecutor(_THREADS)

    def start(number: int) -> list[Future[Value]]:
        return [pool.submit(read) for read in batches[number]] if number < len(batches) else []

    try:
        reading = start(0)
        for number in range(len(batches)):
            found = [future.result() for future in reading]
            reading = start(number + 1)
            yield found
    finally:
        pool.shutdown(cancel_futures=True)
