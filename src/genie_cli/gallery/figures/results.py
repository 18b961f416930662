"""The results of genie fewshot, finegrained and longtail, as their files say, in panels of points with intervals."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated, Any, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from genie_cli.errors import ManifestError, UsageError
from genie_cli.evaluate.results import COMPARISON_FILES, RECORD_FILES
from genie_cli.files.json_lines import objects, open_lines
from genie_cli.files.reading import first_problem, look, reason

_Name = Annotated[str, Field(min_length=1)]
_Percent = Annotated[float, Field(ge=0, le=100)]
_Half = Annotated[float, Field(ge=0)]
_Count = Annotated[int, Field(ge=1)]
_GROUPS = ("many", "med", "few", "overall")
_MOST = 10_000  # records of a file
_HINT = "give a file of results as genie wrote it; the command that wrote it writes it again"
_EPISODES = "95 % interval over episodes of the same images"
_CLUSTERED = "95 % interval clustered by query and support images"
_SEEDS = "95 % interval over seeds"
_NONE = "one training each: no interval"
_TWO_WAY = "95 % interval over seeds and test images"


class _Line(BaseModel):
    model_config = ConfigDict(frozen=True, strict=True, allow_inf_nan=False)

    dataset: str


class FewShot(_Line):
    """What is shown of a record of genie fewshot or finegrained; see `fewshot.results.Record`."""

    backbone: str
    classifier: str
    ways: _Count
    shots: _Count
    episodes: _Count
    augmentation: _Name
    accuracy: _Percent
    interval: _Half
    baseline: str | None = None
    difference: float | None = None
    difference_interval: _Half | None = None


class FewShotComparison(_Line):
    """See `fewshot.results.Comparison`."""

    backbone: str
    shots: _Count
    augmentation: _Name
    baseline: _Name
    difference: float
    clustered_interval: _Half


class LongTailed(_Line):
    """See `longtail.results.Record`."""

    network: str
    augmentation: _Name
    seed: int | None
    seeds: _Count
    many: _Percent | None = None
    med: _Percent | None = None
    few: _Percent | None = None
    overall: _Percent
    many_interval: _Half | None = None
    med_interval: _Half | None = None
    few_interval: _Half | None = None
    overall_interval: _Half | None = None


class LongTailedComparison(_Line):
    """See `longtail.results.Comparison`."""

    network: str
    group: Annotated[str, Field(pattern="^(many|med|few|overall)$")]
    augmentation: _Name
    baseline: _Name
    difference: float
    seed_interval: _Half | None = None
    two_way_interval: _Half | None = None


L = TypeVar("L", bound=_Line)


@dataclass(frozen=True)
class Point:
    """A value with its interval.

    Attributes:
        half: half the interval's width; None if there is none.
    """

    label: str
    value: float
    half: float | None


@dataclass(frozen=True)
class Panel:
    """Values that are measured on the same.

    Attributes:
        title: what they are, and of what.
        interval: which one the points have.
        differences: whether zero means something: none.
    """

    title: str
    interval: str
    differences: bool
    points: Sequence[Point]


def data(folder: Path) -> dict[str, Any]:
    """For the page: the panels of a folder of results, accuracies in % and differences in percentage points.

    Raises:
        UsageError: it has no results.
        ManifestError: a file cannot be read, or has a bad line.
    """
    path, differences = folder / RECORD_FILES[0], folder / COMPARISON_FILES[0]
    if not _is_there(path):
        hint = "give a folder that genie fewshot, finegrained or longtail wrote (--out)"
        raise UsageError(f"--results: {folder} has no {path.name}", hint)
    lines = _read(path, _kind)
    if not lines:
        raise ManifestError(path, 0, "has no results")
    compared: list[_Line] = _read(differences, _compared) if _is_there(differences) else []
    panels = [*_few_shot(lines, compared), *_long_tailed(lines, compared)]
    return {"name": folder.name or str(folder), "about": _about(lines), "panels": [asdict(panel) for panel in panels]}


def _is_there(path: Path) -> bool:
    try:
        return look(path) is not None
    except OSError as error:
        raise UsageError(f"--results: {path} cannot be read: {reason(error)}") from None


def _read(path: Path, kind_of: Callable[[dict[str, Any]], type[_Line]]) -> list[_Line]:
    found: list[_Line] = []
    with open_lines(path) as stream:
        for number, content in objects(stream, str(path), whole=True):
            try:
                found.append(kind_of(content).model_validate(content))
            except ValidationError as error:
                _, place, said = first_problem(error)
                where = ".".join(map(str, place))
                raise ManifestError(path, number, f"is no result: {where}: {said}", _HINT) from None
            if len(found) > _MOST:
                raise ManifestError(path, number, f"has more than {_MOST:,} results")
    return found


def _kind(content: dict[str, Any]) -> type[_Line]:
    return LongTailed if "network" in content else FewShot


def _compared(content: dict[str, Any]) -> type[_Line]:
    return LongTailedComparison if "network" in content else FewShotComparison


def _about(lines: Sequence[_Line]) -> str:
    """On what was measured, and with what."""
    parts: dict[str, None] = {}
    for line in lines:
        parts[line.dataset] = None
        if isinstance(line, FewShot):
            network = line.backbone.partition("@")[0]
            parts |= dict.fromkeys([network, line.classifier, f"{line.ways}-way", f"{line.episodes:,} episodes"])
        elif isinstance(line, LongTailed):
            parts[line.network] = None
    return ", ".join(parts)


def _few_shot(lines: Sequence[_Line], compared: Sequence[_Line]) -> Iterator[Panel]:
    records = _of(FewShot, lines)
    pairs = _of(FewShotComparison, compared)
    for shots in sorted({record.shots for record in records}):
        own = [record for record in records if record.shots == shots]
        points = [Point(record.augmentation, record.accuracy, record.interval) for record in own]
        yield Panel(f"Accuracy in %, {_shots(shots)}", _EPISODES, False, points)
        if clustered := [pair for pair in pairs if pair.shots == shots]:
            points = [Point(_pair(pair), pair.difference, pair.clustered_interval) for pair in clustered]
            yield Panel(f"Difference in points, {_shots(shots)}", _CLUSTERED, True, points)
        elif points := [
            Point(f"{record.augmentation} vs. {record.baseline}", record.difference, record.difference_interval)
            for record in own
            if record.difference is not None and record.augmentation != record.baseline
        ]:
            yield Panel(f"Difference in points, {_shots(shots)}", _EPISODES, True, points)


def _long_tailed(lines: Sequence[_Line], compared: Sequence[_Line]) -> Iterator[Panel]:
    """The means over seeds; intervals are those of the means."""
    means = [record for record in _of(LongTailed, lines) if record.seed is None]
    has_several = any(record.seeds > 1 for record in means)
    for group in _GROUPS:
        points = [
            Point(record.augmentation, value, getattr(record, f"{group}_interval"))
            for record in means
            if (value := getattr(record, group)) is not None
        ]
        if points:
            yield Panel(f"Accuracy in %, {group}", _SEEDS if has_several else _NONE, False, points)
        own = [pair for pair in _of(LongTailedComparison, compared) if pair.group == group]
        if own:
            has_two = all(pair.two_way_interval is not None for pair in own)
            halves = [pair.two_way_interval if has_two else pair.seed_interval for pair in own]
            points = [Point(_pair(pair), pair.difference, half) for pair, half in zip(own, halves, strict=True)]
            interval = _TWO_WAY if has_two else _SEEDS if any(halves) else _NONE
            yield Panel(f"Difference in points, {group}", interval, True, points)


def _of(kind: type[L], lines: Iterable[_Line]) -> list[L]:
    return [line for line in lines if isinstance(line, kind)]


def _pair(pair: FewShotComparison | LongTailedComparison) -> str:
    return f"{pair.augmentation} vs. {pair.baseline}"


def _shots(number: int) -> str:
    return f"{number} shot" + "s" * (number > 1)
