"""Chooses a noise ratio for each source and target from probes at several, by GeNIe-Ada's rule (`generate.ada`).

What is chosen for an image depends on its probes, its source and all photos of its target, and on no other image.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from sqlite3 import Connection
from typing import TYPE_CHECKING

from genie_cli.confuse.cross_validation import see
from genie_cli.errors import OutputError, UsageError
from genie_cli.files.temporary import database
from genie_cli.generate.ada import after_jump, mean_direction
from genie_cli.jobs import Job, Source
from genie_cli.manifest import Row, Status
from genie_cli.observer import Observer, Progress

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from genie_cli.backbones.features import Features

Family = tuple[Job, ...]  # jobs that differ in nothing but r, which ascends
_AT_ONCE = 256  # families whose features are in memory


class Probes:
    """The probes that were made, by the jobs that they are of.

    Args:
        root: the folder of their run.
        table: an empty database, to be used by this object alone.
    """

    def __init__(self, root: Path, table: Connection) -> None:
        self.root, self._table = root, table
        table.execute("CREATE TABLE probe (id BLOB PRIMARY KEY, file, sha256) WITHOUT ROWID")

    @classmethod
    @contextmanager
    def opened(cls, root: Path, rows: Iterable[Row]) -> Iterator[Probes]:
        """Those of the rows of a manifest; they can be used while this is open."""
        with database() as table:
            probes = cls(root, table)
            made = ((bytes.fromhex(row.job.id), row.file, row.sha256) for row in rows if row.status is Status.MADE)
            table.executemany("INSERT OR REPLACE INTO probe VALUES (?, ?, ?)", made)
            yield probes

    def of(self, family: Family) -> list[Source]:
        """The probes of a family as images, in the order of its jobs; fewer if some were not made."""
        keys = [bytes.fromhex(job.id) for job in family]
        query = "SELECT file, sha256 FROM probe WHERE id = ?"
        found = (self._table.execute(query, (key,)).fetchone() for key in keys)
        return [Source(path=row[0], sha256=row[1], label=family[0].target) for row in found if row]


@dataclass(frozen=True)
class Choosing:
    """What an r is chosen by.

    Attributes:
        photos: the images of each class, below ``root``.
        probes: at each r of each family.
    """

    root: Path
    photos: Mapping[str, Sequence[Source]]
    probes: Probes
    features: Features
    observer: Observer

    def choose(self, families: Iterable[Family], targets: Iterable[str], total: int) -> Iterator[int | None]:
        """For each family the place of the job whose r is chosen; None if it cannot be, since an image is missing.

        Args:
            targets: all targets of the families.
            total: number of the families.

        Raises:
            UsageError: no photo of a target can be read.
            OutputError: a probe has changed since it was made; see `Features.of`, too.
            ModelError: see `Features.of`.
        """
        directions = {target: self._direction(target) for target in dict.fromkeys(targets)}
        waiting = iter(families)
        with self.observer.progress("choosing r", total) as progress:
            while part := list(islice(waiting, _AT_ONCE)):
                yield from self._of(part, directions)
                progress.advance(len(part))

    def _direction(self, target: str) -> NDArray[np.float32]:
        import numpy as np

        photos = _distinct(self.photos[target])
        with self.observer.progress(f"photos of {target}", len(photos)) as progress:
            seen, broken = self._see(self.root, photos, progress)
        self.observer.left_out([str(error) for error in broken])
        if not seen:
            raise UsageError(f"--r adaptive: no photo of {target!r} can be read", "replace them, or give one --r")
        return mean_direction(np.stack([seen[photo.sha256] for photo in photos if photo.sha256 in seen]))

    def _of(self, families: Sequence[Family], directions: Mapping[str, NDArray[np.float32]]) -> Iterator[int | None]:
        import numpy as np

        made = [self.probes.of(family) for family in families]
        whole = [family for family, own in zip(families, made, strict=True) if len(own) == len(family)]
        sources, _ = self._see(self.root, _distinct(family[0].source for family in whole))
        probes, broken = self._see(self.probes.root, _distinct(probe for each in made for probe in each))
        if broken:  # another choice would follow, and nobody would know
            hint = f"delete it, or all of {self.probes.root}: the same command makes them again"
            raise OutputError(str(broken[0]), hint)
        for family, own in zip(families, made, strict=True):
            source, target = family[0].source, directions[family[0].target]
            rows = [probes[probe.sha256] for probe in own if probe.sha256 in probes]
            if source is None or source.sha256 not in sources or len(rows) < len(family):
                yield None
            else:
                yield after_jump(np.stack(rows), sources[source.sha256], target)

    def _see(
        self, root: Path, images: Sequence[Source], progress: Progress | None = None
    ) -> tuple[dict[str, NDArray[np.float32]], tuple[Exception, ...]]:
        return see(root, images, self.features.backbone.preprocess, self.features, progress)


def _distinct(images: Iterable[Source | None]) -> list[Source]:
    """One image of each content, in an order that depends on the contents alone: sums of floats depend on it."""
    by_content = {image.sha256: image for image in images if image}
    return [by_content[content] for content in sorted(by_content)]
