"""Fits the classifiers of many episodes, here or in several processes: the same figures in the same order."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Generator, Iterable, Iterator
from concurrent.futures import Future
from dataclasses import dataclass
from functools import cache
from itertools import islice
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from genie_cli.devices import cores
from genie_cli.errors import ModelError
from genie_cli.fewshot.classifiers import Classifier, Features, Labels

if TYPE_CHECKING:
    from threadpoolctl import ThreadpoolController

_CHUNK, _CHUNKS_AHEAD = 8, 2
_IDLE = 10  # seconds, after which a process ends that has nothing to do, or whose parent was killed
_ALONE = 8.0  # seconds of fitting in this process before others are worth their start
Problem = tuple[Features, Labels, Features]  # support, its labels, query; see `Classifier.predict`


@dataclass
class Fitter:
    """Fits classifiers.

    Attributes:
        jobs: processes; 1: this one, 0: as many as this one may use cores, once it takes long enough.
    """

    classifier: Classifier
    jobs: int
    _seconds: float = 0.0

    def predictions(self, problems: Iterable[Problem]) -> Generator[NDArray[np.int64], None, None]:
        """What the classifier predicts of each problem, in their order.

        Args:
            problems: taken as they are needed, so that few are held at a time.

        Raises:
            ModelError: a process has been killed.
        """
        processes, rest = self.jobs or cores(), iter(problems)
        while processes == 1 or (not self.jobs and self._seconds < _ALONE):
            if (problem := next(rest, None)) is None:
                return
            started = time.monotonic()
            found = _predict(self.classifier, *problem)
            self._seconds += time.monotonic() - started
            yield found
        yield from _by_several(self.classifier, rest, processes)


def _by_several(
    classifier: Classifier, problems: Iterable[Problem], processes: int
) -> Generator[NDArray[np.int64], None, None]:
    from loky import get_reusable_executor
    from loky.process_executor import TerminatedWorkerError

    executor = get_reusable_executor(processes, timeout=_IDLE)
    waiting: deque[Future[list[NDArray[np.int64]]]] = deque()
    try:
        for chunk in _chunks(problems):
            waiting.append(executor.submit(_predict_all, classifier, chunk))
            if len(waiting) > _CHUNKS_AHEAD * processes:
                yield from waiting.popleft().result()
        while waiting:
            yield from waiting.popleft().result()
    except TerminatedWorkerError:
        raise ModelError(
            "a process that fits classifiers was killed, perhaps for lack of memory", "try fewer --jobs"
        ) from None
    finally:
        if waiting:  # stopped before the end, as by Ctrl-C
            executor.shutdown(kill_workers=True)


def _chunks(problems: Iterable[Problem]) -> Iterator[list[Problem]]:
    """A few problems at a time, so that sending them takes little of the time that they take."""
    rest = iter(problems)
    while chunk := list(islice(rest, _CHUNK)):
        yield chunk


def _predict_all(classifier: Classifier, problems: Iterable[Problem]) -> list[NDArray[np.int64]]:
    return [_predict(classifier, *problem) for problem in problems]


def _predict(classifier: Classifier, support: Features, labels: Labels, query: Features) -> NDArray[np.int64]:
    # In one thread: matrices are small, and sums do not depend on the number of cores.
    with _libraries().limit(limits=1, user_api="blas"):
        return classifier.predict(support, labels, query)


@cache
def _libraries() -> ThreadpoolController:
    import scipy.linalg  # noqa: F401 - its library has to be there to be limited
    from threadpoolctl import ThreadpoolController

    return ThreadpoolController()
