"""How much a download from the Hugging Face hub is, said before it begins, and how far it is."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from threading import Lock
from typing import Any

from genie_cli.diffusion.hub_errors import is_offline, may_pass
from genie_cli.observer import Observer, Progress

Choose = Callable[[Sequence[str]], Sequence[str]]

_TIMEOUT = 10  # seconds for the list of files; huggingface_hub itself would wait for it without end
_MB = 1_000_000


def missing_sizes(name: str, revision: str | None, choose: Choose) -> Mapping[str, int]:
    """Files of a hub model that are not in the cache, with their sizes in bytes.

    Args:
        choose: picks those that are wanted from the names of all files.

    Returns:
        Empty if nothing is missing, if `HF_HUB_OFFLINE` is set, or if the hub does not say; then the download itself
        will raise what is wrong.

    Raises:
        Exception: the hub cannot be reached, or is out of order.
    """
    from huggingface_hub import HfApi

    if is_offline():
        return {}
    try:
        info = HfApi().model_info(name, revision=revision, files_metadata=True, timeout=_TIMEOUT)
    except Exception as error:  # errors of the hub and the network have no common base class
        if may_pass(error):
            raise
        return {}
    listed = {file.rfilename: file for file in info.siblings or []}
    sizes = {}
    for wanted in choose(list(listed)):
        file = listed[wanted]
        if file.size is None:  # a mirror's list may have no sizes
            return {}
        if not (in_cache(name, info.sha, wanted) or _has_content(name, file.lfs.sha256 if file.lfs else file.blob_id)):
            sizes[wanted] = file.size
    return sizes


def in_cache(name: str, revision: str | None, file: str) -> bool:
    """Whether a file of a hub model is on this machine."""
    from huggingface_hub import constants, try_to_load_from_cache

    return isinstance(try_to_load_from_cache(name, file, cache_dir=constants.HF_HUB_CACHE, revision=revision), str)


def _has_content(name: str, digest: str | None) -> bool:
    """Whether the cache has a content already, as a file of another revision of the model."""
    from huggingface_hub import constants

    folder = Path(constants.HF_HUB_CACHE) / f"models--{name.replace('/', '--')}" / "blobs"
    return bool(digest) and (folder / str(digest)).is_file()


def announce(name: str, sizes: Mapping[str, int], observer: Observer) -> None:
    """Say what is to be downloaded, and how much that is; nothing if it is nothing, or not known."""
    from huggingface_hub import constants

    if sizes:
        files = "1 file" if len(sizes) == 1 else f"{len(sizes)} files"
        size = size_text(sum(sizes.values()))
        observer.found(f"downloading {name}: {size}, {files}, to {constants.HF_HUB_CACHE}")


def size_text(size: int) -> str:
    """A number of bytes for a person: ``"3.4 GB"``."""
    for unit, scale in (("GB", 1000 * _MB), ("MB", _MB), ("kB", 1000)):
        if size >= scale:
            return f"{size / scale:.1f} {unit}"
    return f"{size} bytes"


def downloading(name: str, sizes: Mapping[str, int], observer: Observer) -> AbstractContextManager[Progress]:
    """The progress of a download, in units of 1,000,000 bytes if its size is known."""
    if not sizes:
        return observer.progress(f"Downloading {name}")
    return observer.progress("MB downloaded", -(-sum(sizes.values()) // _MB))


def counting_bars(progress: Progress) -> type[Any]:
    """A class for the bars of `huggingface_hub.snapshot_download` that draws nothing, and tells of each megabyte.

    There may be several bars that count the same bytes, as they arrive and as they are written: the highest counts.
    """
    from huggingface_hub.utils import tqdm  # type: ignore[attr-defined]

    lock = Lock()  # of the threads that download
    told = 0

    class Bar(tqdm):
        def __init__(self, *args: Any, **options: Any) -> None:
            self._counts = options.get("unit") == "B"
            self._bytes = 0.0
            super().__init__(*args, **options | {"disable": True})  # type: ignore[no-untyped-call]

        def update(self, n: float | None = 1) -> None:
            nonlocal told
            if self._counts:
                with lock:
                    self._bytes += n or 0
                    done = int(self._bytes // _MB)
                    if done > told:
                        progress.advance(done - told)
                        told = done

    return Bar
