"""Options that have no effect together are refused before anything is looked for, and jobs that make no sense fail."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from genie_cli import api
from genie_cli.confuse.confusion import Confusion
from genie_cli.errors import UsageError
from genie_cli.header import Header
from genie_cli.jobs import Method
from genie_cli.manifest import plan_line

ONE_FOR_SEVEN = Confusion(labels=("one", "seven"), matrix=((0, 1), (1, 0)))
SEVEN = {"targets": "seven", "model": "digits"}
FROM_PHOTOS = {**SEVEN, "src_dir": "photos"}
OF_NOTHING = {**SEVEN, "method": "txt2img", "per_target": 2}


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({**FROM_PHOTOS, "device": "cpu", "devices": "cpu*2"}, "--device does not go with --devices"),
        ({**FROM_PHOTOS, "probe": True, "steps": 4}, "--probe takes a single step: leave out --steps"),
        ({**FROM_PHOTOS, "guidance": 1.0, "negative_prompt": "blur"}, "a negative prompt has no effect"),
        ({**FROM_PHOTOS, "r": 0.01, "steps": 4}, r"r = 0\.01 leaves no step to run out of 4"),
        ({**FROM_PHOTOS, "top_k": 2}, "--top-k goes with --confusion"),
        ({**FROM_PHOTOS, "src_label": " "}, "--src-label names the class of the images in --src-dir"),
        ({**FROM_PHOTOS, "method": "img2img", "confusion": ONE_FOR_SEVEN}, "which only --method genie uses"),
        ({**FROM_PHOTOS, "targets": ()}, "name the classes to generate"),
        ({**FROM_PHOTOS, "method": "txt2img", "per_target": 2}, "txt2img uses no sources"),
        ({**OF_NOTHING, "confusion": ONE_FOR_SEVEN}, "txt2img uses no sources"),
        ({**OF_NOTHING, "r": 0.5}, "txt2img starts from pure noise: leave out --r"),
        ({**OF_NOTHING, "per_target": None}, "txt2img has no sources to count by"),
        ({**OF_NOTHING, "targets": "all"}, "--targets all stands for the classes of --src-dir"),
        ({**OF_NOTHING, "src_label": "cat"}, "--src-label names the class of the images in --src-dir"),
        (SEVEN, "genie needs source images: --src-dir FOLDER"),
        ({**SEVEN, "method": "img2img"}, "img2img needs source images"),
    ],
)
def test_options_that_do_not_go_together(
    photos: Path, monkeypatch: pytest.MonkeyPatch, options: dict[str, Any], said: str
) -> None:
    monkeypatch.chdir(photos.parent)
    before = set(photos.parent.iterdir())
    kept = {name: value for name, value in options.items() if value is not None}
    with pytest.raises(UsageError, match=said):
        api.generate(**kept, out="out")
    assert set(photos.parent.iterdir()) == before


def test_jobs_of_a_plan_by_hand_that_make_no_sense_are_skipped_with_the_reason(photos: Path, tmp_path: Path) -> None:
    with api.planned(photos, "seven", model="digits", steps=4, slots=2) as run:
        good = next(iter(run.jobs))
    assert good.source
    changes: dict[str, dict[str, Any]] = {
        "genie needs a source": {"source": None},
        "txt2img starts from noise alone: no source, and r above 0.999": {"method": Method.TXT2IMG},
        f"genie cannot make '{good.source.label}' from a source of class '{good.source.label}'": {
            "target": good.source.label
        },
        "img2img cannot make 'seven' from a source of class": {"method": Method.IMG2IMG},
    }
    jobs = [good, *(good.model_copy(update=change) for change in changes.values())]
    plan = tmp_path / "plan.jsonl"
    head = Header(kind="genie.plan", source_root=str(photos)).line()
    plan.write_text(head + "".join(map(plan_line, jobs)), encoding="utf-8")
    made = api.generate(plan=plan, model="digits", steps=4, slots=2, out=tmp_path / "out")
    assert (made.made, made.skipped, made.failed) == (1, len(changes), 0)
    first, *others = made.rows()
    assert (first.job, first.reason) == (good, "")
    for row, reason in zip(others, changes, strict=True):
        assert row.reason.startswith(reason)
        assert not row.file
