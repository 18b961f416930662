"""The dataset card, ``README.md``: what a set of images holds and how it was made, with the YAML that the Hub reads.

A card ends with a line that has the SHA-256 of all above it. One whose line does not fit was written or edited by a
person, who may have filled in the licence: it is never replaced. Neither times nor absolute paths are in it, so that
the same images have the same card.
"""

from __future__ import annotations

import hashlib
import html
import shlex
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from genie_cli import __version__
from genie_cli.errors import shorten
from genie_cli.files.reading import read_text
from genie_cli.generate.command import options_of, words_of_options
from genie_cli.generate.paths import IMAGES
from genie_cli.header import Header
from genie_cli.jobs import Job

NAME = "README.md"
UNKNOWN_LICENSE = "unknown"
_FILL_IN = "# fill in, for example cc-by-4.0: what the model and the photos allow"
_SEAL = "<!-- genie wrote this file, and does not replace it once it was edited. sha256:"
_SYNTHETIC = (
    "The generated ones are **synthetic**: a diffusion model made them, and their labels are what it was asked for. "
    "Each says so in its metadata (IPTC digital source type), with the record of how it was made "
    "(`genie explain IMAGE`)."
)
_METHODS = (
    "a photo's latent is noised up to the noise ratio r, and denoised under the prompt of the class. `genie` starts "
    "at a photo of another class ([GeNIe](https://arxiv.org/abs/2312.02548)), `img2img` at one of the class itself, "
    "`txt2img` at pure noise."
)
_SIZES = ((10**3, "n<1K"), (10**4, "1K<n<10K"), (10**5, "10K<n<100K"), (10**6, "100K<n<1M"), (10**7, "1M<n<10M"))
_LARGEST = "n>10M"
_CLASS_LABEL = "class_label"


@dataclass(frozen=True)
class Feature:
    """A column of the set.

    Attributes:
        dtype: as in a card's YAML: ``image``, ``class_label``, ``string``, ``float64``, ``int64``, ``bool``.
        meaning: for people, in Markdown.
        fields: of a column of objects; then ``dtype`` is empty.
    """

    name: str
    dtype: str
    meaning: str
    fields: tuple[Feature, ...] = ()


# The columns of `metadata.jsonl`, as `generate.folder` writes it.
FEATURES = (
    Feature("image", "image", "the image"),
    Feature("label", _CLASS_LABEL, "the class that was asked for"),
    Feature("source_label", "string", "the class of the photo that it was made from; empty if there was none"),
    Feature("r", "float64", "noise ratio, 0 to 1: how little of the photo is left"),
    Feature("id", "string", "the job, as in `manifest.jsonl`"),
)


@dataclass
class Tally:
    """How many images there are, by class and by where they come from, and which.

    Attributes:
        generated: class to the classes of the photos that its images were made from, ``""`` for none, with counts.
        photos: class to the number of photos.
        ways: methods and noise ratios, with counts.
        content: a hash of the images, in the order in which they were added.
    """

    generated: dict[str, Counter[str]] = field(default_factory=dict)
    photos: Counter[str] = field(default_factory=Counter)
    ways: Counter[tuple[str, float]] = field(default_factory=Counter)
    content: str = ""

    def add(self, job: Job, sha256: str) -> None:
        """Count the image of a job, with the SHA-256 of its file."""
        self._hash(job.id, job.target, sha256)
        self.generated.setdefault(job.target, Counter())[job.source.label if job.source else ""] += 1
        self.ways[job.method.value, job.r] += 1

    def add_photo(self, label: str, sha256: str) -> None:
        """Count a photo."""
        self._hash(label, sha256)
        self.photos[label] += 1

    def _hash(self, *what: str) -> None:
        self.content = hashlib.sha256("\0".join((self.content, *what)).encode()).hexdigest()

    @property
    def classes(self) -> list[str]:
        """All classes, sorted."""
        return sorted({*self.generated, *self.photos})

    def generated_of(self, label: str) -> int:
        """The number of generated images of a class."""
        return self.generated.get(label, Counter()).total()

    @property
    def images(self) -> int:
        return self.photos.total() + sum(map(self.generated_of, self.generated))


@dataclass(frozen=True)
class Card:
    """What a card says.

    Attributes:
        header: of the manifest of the generated images.
        features: the columns.
        data_files: glob pattern of the files of the split ``train``.
        is_image_folder: whether these are images with a `metadata.jsonl`.
        command: what made the set, for a person to type.
        notes: what else is to be known, in Markdown, a paragraph each.
        license: the Hub's identifier of a licence; empty: to be filled in.
    """

    header: Header
    tally: Tally
    features: Sequence[Feature]
    data_files: str
    command: str
    is_image_folder: bool = False
    notes: Sequence[str] = ()
    license: str = ""

    def text(self) -> str:
        """The whole file."""
        body = "\n\n".join([self._metadata(), *self._introduction(), self._classes(), self._columns(), *self._making()])
        return f"{body}\n\n{_seal(body)}\n"

    def _metadata(self) -> str:
        """The YAML between two lines of dashes."""
        import yaml

        data = {
            "license": self.license or UNKNOWN_LICENSE,
            "tags": ["synthetic", "genie"],
            "task_categories": ["image-classification"],
            "size_categories": [_size_category(self.tally.images)],
            **self._configuration(),
        }
        # Some line breaks of Unicode's would come back as spaces.
        plain = all(map(str.isprintable, self.tally.classes))
        said: str = yaml.safe_dump(data, sort_keys=False, allow_unicode=plain)
        if not self.license:
            said = said.replace(f"license: {UNKNOWN_LICENSE}", f"license: {UNKNOWN_LICENSE}  {_FILL_IN}", 1)
        return f"---\n{said}---"

    def _configuration(self) -> dict[str, Any]:
        """Files and columns, as the `datasets` library reads them.

        Its reader of image folders takes the columns from the one place, all others from the other. And it caches what
        it has read by the folder's name and by what stands here: without a hash of the images, a set would be taken for
        an earlier one.
        """
        config: dict[str, Any] = {
            "config_name": "default",
            "description": f"images {self.tally.content}",
            "data_files": [{"split": "train", "path": self.data_files}],
        }
        columns = {"features": [_yaml_of(each, self.tally.classes) for each in self.features]}
        if self.is_image_folder:
            return {"configs": [config | columns]}
        return {"configs": [config], "dataset_info": columns}

    def _introduction(self) -> list[str]:
        tally, photos = self.tally, self.tally.photos.total()
        generated = tally.images - photos
        counted = f"{generated:,} generated images" + (f" and {photos:,} photos" if photos else "")
        said = f"{counted} of {len(tally.classes):,} classes."
        return ["# Images for a classifier", f"{said} {_SYNTHETIC}", *self.notes]

    def _classes(self) -> str:
        with_photos = bool(self.tally.photos)
        head = ["class", "generated", *(["photos"] if with_photos else []), "generated from photos of"]
        lines = ["## Classes", "", _row(head), _row(["---"] * len(head))]
        for label in self.tally.classes:
            sources = self.tally.generated.get(label, Counter())
            named = [f"{_plain(name)} ({count})" if name else f"none ({count})" for name, count in _by_count(sources)]
            photos = [f"{self.tally.photos[label]}"] if with_photos else []
            lines.append(_row([_plain(label), f"{sources.total()}", *photos, shorten(named)]))
        return "\n".join(lines)

    def _columns(self) -> str:
        lines = ["## Columns", "", _row(["column", "meaning"]), _row(["---", "---"])]
        for each in self.features:
            named = {f"{each.name}.{inner.name}": inner.meaning for inner in each.fields} or {each.name: each.meaning}
            lines += [_row([f"`{name}`", meaning]) for name, meaning in named.items()]
        return "\n".join(lines)

    def _making(self) -> list[str]:
        settings = self.header.settings
        ways = ", ".join(f"{method} at r = {r:g} ({count})" for (method, r), count in sorted(self.tally.ways.items()))
        facts = {"model": settings.model, "steps": settings.steps, "guidance scale": settings.guidance}
        stated = [f"- {name}: {_plain(str(value))}" for name, value in facts.items() if value is not None]
        said = ["## How it was made", f"By genie {__version__}: {_METHODS}", "\n".join([*stated, f"- images: {ways}"])]
        # A name that does not print could end the block, and is nothing to be pasted.
        return [*said, f"```console\n{self.command}\n```"] if self.command.isprintable() else said


def of_run(header: Header, tally: Tally) -> str:
    """The card of an output folder of `genie generate`."""
    options = options_of(header.settings.model or "", header.settings)
    options |= {"src-dir": "<folder of the photos>"} if header.source_root else {}
    command = shlex.join(
        ["genie", "generate", "--plan", "manifest.jsonl", *words_of_options(options), "--out", "again"]
    )
    return Card(header, tally, FEATURES, f"{IMAGES}/**", command, is_image_folder=True).text()


def is_replaceable(path: Path) -> bool:
    """Whether nothing is there, or a card that nobody has edited."""
    try:
        if path.is_symlink():
            return False
        body, _, seal = read_text(path).removesuffix("\n").rpartition("\n\n")
    except FileNotFoundError:
        return True
    except (OSError, ValueError):
        return False
    return seal == _seal(body)


def _seal(body: str) -> str:
    return f"{_SEAL} {hashlib.sha256(body.encode()).hexdigest()} -->"


def _size_category(images: int) -> str:
    return next((name for most, name in _SIZES if images < most), _LARGEST)


def _yaml_of(feature: Feature, classes: Sequence[str]) -> dict[str, Any]:
    if feature.fields:
        return {"name": feature.name, "struct": [_yaml_of(inner, classes) for inner in feature.fields]}
    if feature.dtype == _CLASS_LABEL:
        names = {str(index): name for index, name in enumerate(classes)}
        return {"name": feature.name, "dtype": {_CLASS_LABEL: {"names": names}}}
    return {"name": feature.name, "dtype": feature.dtype}


def _by_count(sources: Counter[str]) -> list[tuple[str, int]]:
    return sorted(sources.items(), key=lambda item: (-item[1], item[0]))


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _plain(name: str) -> str:
    """A name that Markdown and HTML show as it is, in one line."""
    shown = "".join(char if char.isprintable() else "\ufffd" for char in name)
    return "".join(f"&#{ord(char)};" if char in r"\`*_[]|~$" else char for char in html.escape(shown))
