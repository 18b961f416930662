"""Words of textual inversions, which have an effect only where a prompt has them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from genie_cli.observer import Observer

if TYPE_CHECKING:
    from genie_cli.diffusion.locate import Located


def warn_of_unused(located: Located, prompts: Iterable[str], observer: Observer) -> None:
    """Say it if a word that was added to the model is in none of the prompts.

    Args:
        prompts: looked at until all words have been found.

    Raises:
        ModelError: see `tokenizer.Tokenizer`.
    """
    if not any(adapter.kind == "embedding" for adapter in located.adapters):
        return
    from genie_cli.diffusion import tokenizer

    unused = {learned.word for each in tokenizer.of(located) for learned in each.words}
    for prompt in prompts:
        unused -= {word for word in unused if word in prompt}
        if not unused:
            return
    for word in sorted(unused):
        observer.warning(
            f"no prompt has the word {word!r}, so its --embedding has no effect: add it to --prompt, or to "
            "--negative-prompt"
        )
