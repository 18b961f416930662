"""What an output folder is bound to: everything that decides the bytes of its images. Plans may come and go."""

from __future__ import annotations

import os
import re
import shlex
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from itertools import islice
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from genie_cli import manifest, provenance
from genie_cli.config import Model
from genie_cli.errors import ImageError, ManifestError, OutputError
from genie_cli.files.folders import entries
from genie_cli.files.reading import look, open_binary, open_text
from genie_cli.files.writing import reraise_as_output_error
from genie_cli.generate import metadata
from genie_cli.generate.command import options_of, words_of_options
from genie_cli.generate.paths import IMAGES
from genie_cli.header import Header, RunSettings

_LONGEST_HEADER = 1 << 24  # bytes
_LOOKED_AT = 8
_JOB = re.compile(r"[0-9a-f]{20}\.(jpg|png|webp)")


def manifest_of(root: Path) -> Path:
    """The manifest of an output folder."""
    return root / "manifest.jsonl"


def begun(root: Path) -> RunSettings:
    """The settings of the run that began the folder; none are stated if there is none, or it is not genie's.

    Raises:
        OutputError: the folder cannot be looked into.
    """
    with reraise_as_output_error(root):
        for path in (manifest_of(root), *entries(root / ".genie", "journal*.jsonl")):
            with suppress(OSError, ManifestError), open_text(path) as stream:
                return manifest.read(stream, str(path), "genie.manifest").header.settings
    return RunSettings()


def following(model: Model, begun: RunSettings) -> Model:
    """The model's settings, with what they leave to ``auto`` as it was settled by the run that began the folder.

    Args:
        begun: what the folder's header states; what makes no sense there is left for the folder's own check.
    """
    stated = begun.stated()
    settled: dict[str, Any] = {
        name: stated[name]
        for name in Model.model_fields
        if name in stated and getattr(model, name) == "auto" and name != "device"
    }
    try:
        return Model.model_validate({**model.model_dump(), **settled})
    except ValidationError:
        return model


def journals(private: Path) -> list[Path]:
    """The journals of all shards, which may be at work; one without a whole first line has no rows."""
    return [path for path in entries(private, "journal*.jsonl") if is_begun(path)]


def sources_before(root: Path, documents: Iterable[Path], now: Header) -> str:
    """The folder of sources of earlier runs, if this run has another one and that is still there; else empty."""
    before = {header.source_root for header in headers(root, documents) if header.source_root}
    others = sorted(before - {now.source_root}) if now.source_root else []
    return next((other for other in others if os.path.isdir(other)), "")


def headers(root: Path, documents: Iterable[Path]) -> list[Header]:
    """The headers of the manifest and the journals that there are, in this order.

    Raises:
        ManifestError: one is not genie's, or is damaged.
    """
    found = []
    for path in documents:
        with suppress(FileNotFoundError), explaining(root), open_text(path) as stream:  # another shard may end
            found.append(manifest.read(stream, str(path), "genie.manifest").header)
    return found


def require_same(root: Path, documents: Iterable[Path], now: Header) -> None:
    """Check that a run makes its images as those that are there were made.

    Args:
        documents: the manifest and the journals, as far as there are any.
        now: the run's, as it would be read again.

    Raises:
        OutputError: it would make other bytes.
        ManifestError: the manifest is not genie's, or is damaged.
    """
    for before in headers(root, documents):
        if differences := list(before.differences(now)):
            raise OutputError(
                [f"{root} was made with other settings:", *(f"  {line}" for line in differences)],
                [*_going_on(before.settings, now.settings), "otherwise give this run another --out"],
            )


def require_manifest(root: Path) -> None:
    """Raise OutputError if the folder has images of genie's, or metadata, and neither a manifest nor a journal."""
    if any(look(path) for path in (manifest_of(root), *journals(root / ".genie"))):
        return
    if lost := next(_beside_a_manifest(root), None):
        raise OutputError(
            f"{lost} is there, but no {manifest_of(root).name} that says what it is",
            [f"if that was lost: {rebuilding(root)}", "if genie did not make these files: give this run another --out"],
        )


def rebuilding(root: Path) -> str:
    """The command that rebuilds the manifest, quoted for a shell."""
    return shlex.join(["genie", "status", str(root), "--rebuild"])


@contextmanager
def explaining(root: Path) -> Iterator[None]:
    """Adds to an error of the manifest what can be done: it was written whole, and has been damaged since."""
    try:
        yield
    except ManifestError as error:
        if str(error.path) != str(manifest_of(root)):
            raise
        hint = f"if genie wrote it and it was damaged since: {rebuilding(root)}"
        raise ManifestError(error.path, error.line, error.reason, hint) from None


def _going_on(before: RunSettings, now: RunSettings) -> list[str]:
    """The options with which a run continues in a folder; none if they cannot be typed."""
    wanted, typed = (options_of(settings.model or "", settings) for settings in (before, now))
    options = {name: value for name, value in wanted.items() if typed.get(name) != value}
    options |= {"negative-prompt": ""} if now.negative_prompt and not before.negative_prompt else {}
    return [f"to go on there: the same command with {shlex.join(words_of_options(options))}"] if options else []


def _beside_a_manifest(root: Path) -> Iterator[Path]:
    """What a run leaves beside its manifest: the metadata, and images with records; of those a few are looked at."""
    for name in (metadata.LINES, metadata.TABLE):
        if os.path.lexists(root / IMAGES / name):
            yield root / IMAGES / name
    for image in islice(named_as_jobs(root), _LOOKED_AT):
        with suppress(ImageError):
            provenance.read(image)
            yield image


def named_as_jobs(root: Path) -> Iterator[Path]:
    """The files in a folder's class folders that are named as images of jobs are, in no particular order."""
    with suppress(FileNotFoundError), os.scandir(root / IMAGES) as classes:
        for folder in classes:
            with suppress(NotADirectoryError), os.scandir(folder) as files:
                yield from (Path(file.path) for file in files if _JOB.fullmatch(file.name))


def is_begun(journal: Path) -> bool:
    """Whether it has a whole first line."""
    with suppress(FileNotFoundError), open_binary(journal, follow=False) as file:
        return file.readline(_LONGEST_HEADER).endswith(b"\n")
    return False
