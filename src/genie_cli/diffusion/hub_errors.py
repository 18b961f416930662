"""Why something could not be downloaded from the Hugging Face hub, in one plain phrase."""

from __future__ import annotations

import errno
from collections.abc import Iterator

from genie_cli.errors import said

_UNREACHABLE = {"TransportError", "ConnectionError", "TimeoutError", "URLError"}  # httpx's, Python's and urllib's
_OUT_OF_ORDER = (408, 429, 500, 502, 503, 504)  # HTTP status codes


def download_trouble(error: Exception, library: str = "huggingface_hub") -> str:
    """The frequent causes as a plain phrase; for others the first line of the library's message.

    Args:
        error: what the download raised.
        library: the library that raised it.
    """
    from huggingface_hub import errors

    causes = list(_chain(error))
    missing = _has(causes, errors.LocalEntryNotFoundError)
    if _has(causes, errors.OfflineModeIsEnabled) or (missing and is_offline()):
        return "HF_HUB_OFFLINE forbids downloads"
    if _has(causes, errors.GatedRepoError):
        return "its authors grant access on request: ask on its page at huggingface.co, then set HF_TOKEN"
    if _has(causes, errors.RepositoryNotFoundError):
        return "the hub has no such model, or it is private and HF_TOKEN is not set to a token that may read it"
    if _has(causes, errors.RevisionNotFoundError):
        return "the hub has the model, but not this revision"
    if any(isinstance(cause, OSError) and cause.errno in (errno.ENOSPC, errno.EDQUOT) for cause in causes):
        return "the disk of the model cache is full"
    if _is_unreachable(causes):
        return "the hub cannot be reached"
    return f"{library} says: {said(error).removeprefix('Got: ')}"


def may_pass(error: Exception) -> bool:
    """Whether the hub could not be reached or was out of order, so that another try may succeed."""
    causes = list(_chain(error))
    codes = (getattr(getattr(cause, "response", None), "status_code", None) for cause in causes)
    return not is_offline() and (_is_unreachable(causes) or any(code in _OUT_OF_ORDER for code in codes))


def is_offline() -> bool:
    """Whether `HF_HUB_OFFLINE` forbids downloads."""
    from huggingface_hub import constants

    return bool(constants.HF_HUB_OFFLINE)


def _is_unreachable(causes: list[BaseException]) -> bool:
    return any(base.__name__ in _UNREACHABLE for cause in causes for base in type(cause).__mro__)


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    """The error, and the errors that caused it."""
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


def _has(causes: list[BaseException], kind: type[Exception]) -> bool:
    return any(isinstance(cause, kind) for cause in causes)
