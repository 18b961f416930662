"""Makes a data set of generated images and one's own photos."""

from __future__ import annotations

import hashlib
import json
import shlex
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from genie_cli import manifest
from genie_cli.errors import UsageError, did_you_mean
from genie_cli.export import croissant
from genie_cli.export.folder import MARKER, SetFolder
from genie_cli.export.form import Content, Form, Linked
from genie_cli.export.image_folder import ImageFolder
from genie_cli.export.options import FormName
from genie_cli.export.parquet import Parquet
from genie_cli.export.samples import collect
from genie_cli.export.web_dataset import WebDataset
from genie_cli.generate import card
from genie_cli.generate.paths import IMAGES, keep_apart
from genie_cli.header import Header
from genie_cli.observer import Observer

_FORMS: dict[FormName, Form] = {
    FormName.IMAGEFOLDER: ImageFolder(),
    FormName.WEBDATASET: WebDataset(),
    FormName.PARQUET: Parquet(),
}
_PHOTOS = "The photos are as they were, with what their metadata say, such as where they were taken."


@dataclass(frozen=True)
class Exported:
    """An exported set.

    Attributes:
        root: its folder.
        tally: how many images it has, by class and origin.
        loading: lines of Python that load it, one per library.
        upload: the command that puts it on the Hub.
        kept: documents about it that a person has edited, and that were left as they are.
    """

    root: Path
    tally: card.Tally
    loading: tuple[str, ...]
    upload: str
    kept: tuple[str, ...] = ()

    def __repr__(self) -> str:
        photos = self.tally.photos.total()
        more = f" and {photos} photos" if photos else ""
        return f"<Exported: {self.tally.images - photos} generated images{more}; {self.root}>"


def form_named(name: str) -> Form:
    """The form of this name; UsageError if there is none."""
    try:
        return _FORMS[FormName(name)]
    except ValueError:
        known = list(FormName)
        hint = did_you_mean(name, known)
        raise UsageError(f"--format {name}: expected {', '.join(known)}{hint}") from None


def export(
    source: str | Path,
    root: Path,
    form: Form,
    photos: Path | None,
    license: str,  # noqa: A002 - as the option
    observer: Observer,
) -> Exported:
    """Export the accepted images of a manifest, and perhaps photos, to a folder.

    Args:
        source: the manifest's path, the folder of a run, or ``"-"`` for standard input.
        photos: folder of one's own photos, one subfolder per class.
        license: the Hub's identifier of a licence; empty: to be filled in.

    Raises:
        ManifestError, ImageError, FolderError: see `samples.collect`.
        UsageError: the images are probes, or the set cannot have this form.
        OutputError: see `folder.SetFolder`.
    """
    MARKER.require_free(root)
    if photos:
        keep_apart(photos, root)
    with manifest.opened(source, "genie.manifest") as document:
        document.require_images()
        keep_apart(document.root / IMAGES, root)
        content = Content(collect(document, photos, observer))
        header = document.header
    form.check(content, observer)
    name = next(name for name, each in _FORMS.items() if type(each) is type(form))
    folder = SetFolder(root, _identity(name, content, form))
    digests: dict[str, str] = {}
    with folder.opened():
        with observer.progress("images exported", len(content.samples)) as progress:
            for file in form.files(content):
                digest = folder.put(file)
                if isinstance(file, Linked):
                    progress.advance()
                else:
                    digests[file.name] = digest
                    progress.advance(file.samples)
        documents = {
            croissant.NAME: croissant.text(content, form, digests, license),
            card.NAME: _card(name, content, form, header, license),
        }
        kept = tuple(name for name, text in documents.items() if not folder.describe(name, text))
    upload = shlex.join(["hf", "upload", "OWNER/NAME", str(root), "--repo-type", "dataset", "--exclude", ".genie/*"])
    return Exported(root, content.tally, form.loading(root, content), upload, kept)


def _identity(name: FormName, content: Content, form: Form) -> dict[str, Any]:
    """What makes this set the same set: its form, and all that is known of its images."""
    digest = hashlib.sha256()
    for sample in content.samples:
        known = (sample.key, sample.kind, bool(sample.source), content.record(sample))
        digest.update(json.dumps(known).encode())
    return {"form": name.value, "versions": dict(form.versions()), "content": digest.hexdigest()}


def _card(name: FormName, content: Content, form: Form, header: Header, license: str) -> str:  # noqa: A002
    photos = content.tally.photos
    words = ["genie", "export", "MANIFEST", "--format", name.value, *(["--with", "PHOTOS"] if photos else [])]
    return card.Card(
        header,
        content.tally,
        form.features(content),
        form.data_files,
        shlex.join([*words, "--out", "SET"]),
        form.is_image_folder,
        [_PHOTOS] if photos else [],
        license,
    ).text()
