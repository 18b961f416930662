"""What a failed download is reported as."""

from __future__ import annotations

import errno
import logging
import socket
from urllib.error import URLError

import pytest
from huggingface_hub import constants, errors

from genie_cli.diffusion.hub_errors import download_trouble
from genie_cli.diffusion.libraries import quiet


def response_error(kind: type[Exception]) -> Exception:
    """An error of the hub, without the HTTP response that its constructor wants."""
    return kind.__new__(kind, "404 Client Error. (Request ID: Root=1-2)")


class TransportError(Exception):
    """The base class of httpx's network errors."""


class ConnectTimeoutError(TransportError):
    pass


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (errors.OfflineModeIsEnabled("a page of text"), "HF_HUB_OFFLINE forbids downloads"),
        (response_error(errors.GatedRepoError), "its authors grant access on request"),
        (response_error(errors.RepositoryNotFoundError), "the hub has no such model, or it is private"),
        (response_error(errors.RevisionNotFoundError), "not this revision"),
        (OSError(errno.ENOSPC, "No space left on device"), "the disk of the model cache is full"),
        (URLError(socket.gaierror(-2, "Name or service not known")), "the hub cannot be reached"),
        (ConnectTimeoutError("timed out"), "the hub cannot be reached"),
        (ConnectionResetError(104, "Connection reset by peer"), "the hub cannot be reached"),
        (ValueError("Got: something new\nand more"), "huggingface_hub says: something new"),
    ],
)
def test_frequent_causes_are_said_plainly(error: Exception, reason: str) -> None:
    found = download_trouble(error)
    assert reason in found
    assert "\n" not in found


def test_the_cause_behind_an_error_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    error = errors.LocalEntryNotFoundError("An error happened while trying to locate the files")
    error.__cause__ = ConnectTimeoutError("timed out")
    assert download_trouble(error) == "the hub cannot be reached"
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    assert download_trouble(error) == "HF_HUB_OFFLINE forbids downloads"


def test_an_unknown_error_names_the_library_that_raised_it() -> None:
    assert download_trouble(RuntimeError("odd"), "timm") == "timm says: odd"


def test_failed_tries_are_not_printed_and_the_log_level_is_restored(caplog: pytest.LogCaptureFixture) -> None:
    logger = logging.getLogger("huggingface_hub.utils._http")
    before = logging.getLogger("huggingface_hub").level
    with quiet():
        logger.warning("thrown while requesting GET")
        assert not caplog.records
    assert logging.getLogger("huggingface_hub").level == before
