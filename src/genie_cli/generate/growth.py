"""How the manifest of a folder grows: which plans its header keeps when another one has added to it.

The same command with more targets, more ratios or more images per target has all the jobs of the one before. It takes
that one's place, so that a run that was grown ends in the same bytes as one that was made at once.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import ValidationError

from genie_cli.header import Header
from genie_cli.recipe import Recipe

Plan = Mapping[str, Any]  # as a header has it


def grown(before: Sequence[Header], now: Header, *, leaves_rows: bool) -> Header:
    """The header of the manifest that a run leaves.

    Args:
        before: of the folder's manifest, if it has one, and of the journals.
        now: this run's.
        leaves_rows: whether there are rows of jobs that are not in this run's plan.
    """
    plans = [plan for header in before for plan in header.settings.plans or ()]
    for plan in now.settings.plans or ():
        plans = with_plan(plans, plan, leaves_rows=leaves_rows)
    settings = now.settings.model_copy(update={"plans": plans} if plans else {})
    roots = [now.source_root, *(header.source_root for header in before)]
    return now.model_copy(
        update={
            "settings": settings,
            "source_root": next((root for root in roots if root), None),
            # What they were made with is not known if the first header does not say.
            "versions": before[0].versions if before else now.versions,
        }
    )


def with_plan(plans: Sequence[Plan], plan: Plan, *, leaves_rows: bool) -> list[Plan]:
    """The plans that have added to a folder when another one has.

    One of which every job is in the new plan is left out; the new one is, if one before it has more.

    Args:
        leaves_rows: whether the folder has rows of jobs that are not in the new plan.
    """
    others = [other for place, other in enumerate(plans) if other != plan and other not in plans[:place]]
    if any(_has_more(other, plan) and not _has_more(plan, other) for other in others):
        return others
    kept = [other for other in others if leaves_rows and not _has_more(plan, other)]
    return [*kept, plan]


def _has_more(plan: Plan, other: Plan) -> bool:
    """Whether a plan has every job of another one, whatever the sources are."""
    own, others = recipe_of(plan), recipe_of(other)
    return own is not None and others is not None and own.covers(others)


def recipe_of(plan: Plan, model: str = "") -> Recipe | None:
    """The recipe that a header states; None if it is of another genie.

    With a confusion matrix, targets without classes to draw from were left out, and are here, too.

    Args:
        model: its identity, which the header states elsewhere.
    """
    try:
        recipe = Recipe.model_validate({**plan, "model": model})
    except ValidationError:
        return None
    if not recipe.sources_for:
        return recipe
    return recipe.model_copy(update={"targets": tuple(name for name in recipe.targets if name in recipe.sources_for)})
