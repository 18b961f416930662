"""Pairs of augmentations whose difference is asked for with ``--compare``."""

from __future__ import annotations

from collections.abc import Sequence

from genie_cli.errors import UsageError, did_you_mean


def parse_pairs(asked: Sequence[str], known: Sequence[str]) -> list[tuple[str, str]]:
    """The pairs of labels in values of ``--compare``, each ``"A,B"``; each pair once.

    Args:
        known: the labels of what is compared.

    Raises:
        UsageError: a value is no pair of two different labels, or a label is not among ``known``.
    """
    pairs = []
    for text in asked:
        names = [name.strip() for name in text.split(",")]
        if len(names) != 2 or names[0] == names[1]:
            raise UsageError(
                f"--compare: {text!r} is no pair of augmentations", "as in --compare 'genie r=0.8,txt2img'"
            )
        for name in names:
            if name not in known:
                suggestion = did_you_mean(name, known)
                raise UsageError(
                    f"--compare: {name!r} is not among the augmentations{suggestion}", f"choices: {', '.join(known)}"
                )
        pairs.append((names[0], names[1]))
    return list(dict.fromkeys(pairs))
