"""Judged images without files: rows, manifests of them, and conditions, for the laws of a selection."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from hypothesis import strategies as st

from genie_cli.jobs import Method, Source
from genie_cli.manifest import Row, Status
from genie_cli.observer import Observer
from genie_cli.oracle.conditions import Band, Conditions
from genie_cli.oracle.manifests import ManifestImages
from genie_cli.oracle.select import select
from genie_cli.oracle.selected import Selected
from genie_cli.oracle.verdict import Verdict
from genie_cli.selection import Selection
from tests.manifests import HEADER, a_job, a_row

TARGETS = ("fox", "owl", "cat")
_SHARES = st.sampled_from([0.0, 0.25, 0.5, 0.75, 0.9, 1.0])  # few, so that there are ties


def a_judged(number: int, target: str = "fox", r: float = 0.8, label: str = "dog", **said: Any) -> Row:
    """An image that an oracle has judged; ``number`` makes its job another one."""
    source = Source(path=f"{label}/{number}.png", sha256=f"{number:064x}", label=label)
    method = Method.IMG2IMG if label == target else Method.GENIE
    job = a_job(target, source=source, method=method, r=r)
    own = {"verdict": "hard negative", "target_probability": 0.9, "source_probability": 0.1, "source_similarity": 1.0}
    return a_row(job, extra={"oracle": {**own, **said}})


def images(*rows: Row) -> ManifestImages:
    return ManifestImages("m.jsonl", HEADER, rows, Path("/nowhere"), None)


@st.composite
def judged_rows(draw: st.DrawFn) -> list[Row]:
    """Some images, judged, a few of them rejected, with an earlier selection, or not made."""
    rows = []
    for number in range(draw(st.integers(1, 12))):
        row = a_judged(
            number,
            draw(st.sampled_from(TARGETS)),
            draw(st.sampled_from([0.5, 0.8])),
            draw(st.sampled_from(["dog", "fox"])),
            verdict=draw(st.sampled_from(list(Verdict))).value,
            target_probability=draw(_SHARES),
            source_probability=draw(st.none() | _SHARES),
            source_similarity=draw(st.none() | _SHARES),
            accepted=draw(st.integers(0, 4)) > 0,
        )
        if draw(st.booleans()):
            row = row.marked(Selection(selected=draw(st.booleans())))
        rows.append(Row(row.job, Status.FAILED, reason="broken") if draw(st.integers(0, 7)) == 7 else row)
    return rows if any(row.status is Status.MADE for row in rows) else [a_judged(0)]


@st.composite
def bands(draw: st.DrawFn, least: float = 0.0) -> Band:
    low = draw(st.sampled_from([0.0, 0.25, 0.5, 0.75]))
    high = draw(st.sampled_from([share for share in (0.25, 0.5, 0.75, 0.9, 1.0) if share >= low + least]))
    return Band(low, high)


@st.composite
def conditions(draw: st.DrawFn) -> Conditions:
    """Conditions that need no features; perhaps none."""
    return Conditions(
        verdict=tuple(draw(st.lists(st.sampled_from(list(Verdict)), max_size=3))),
        min_confidence=draw(st.none() | _SHARES),
        source_similarity=draw(st.none() | bands()),
        per_target=draw(st.none() | st.integers(1, 4)),
        balanced=draw(st.booleans()),
    )


class Ears(Observer):
    def __init__(self) -> None:
        self.heard: list[str] = []

    def warning(self, message: str) -> None:
        self.heard.append(message)

    found = warning


def selected(rows: list[Row], asked: Conditions, observer: Observer | None = None) -> Selected:
    return select(images(*rows), asked, None, observer or Observer())


def chosen(rows: list[Row], asked: Conditions) -> list[int]:
    """The places of the images that are to be used."""
    return [place for place, row in enumerate(selected(rows, asked).table) if row.is_accepted]
