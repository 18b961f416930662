"""Textual inversions: words that were learned, each with one vector or several, as a file has them.

diffusers writes ``{word: vectors}``, AUTOMATIC1111's web UI ``{"emb_params": vectors}`` in a file of the word's name.
For Stable Diffusion XL a file of the word's name has ``{"clip_l": vectors, "clip_g": vectors}``, for its two encoders.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from genie_cli.diffusion import tensors
from genie_cli.diffusion.adapters import Adapter
from genie_cli.diffusion.libraries import guarded
from genie_cli.errors import ModelError, shorten

if TYPE_CHECKING:
    from torch import Tensor

_A1111 = "emb_params"
_ANOTHER = "use a textual inversion for this model's kind: Stable Diffusion 1.x, 2.x and XL have others"


@dataclass(frozen=True)
class LearnedWord:
    """A word that prompts may have.

    Attributes:
        word: as it stands in a prompt.
        vectors: (N, width), float32: what the text encoder reads for it, as N tokens.
    """

    word: str
    vectors: Tensor

    @property
    def tokens(self) -> list[str]:
        """A token for each vector: the word itself, and as diffusers calls the others."""
        return [self.word, *(f"{self.word}_{number}" for number in range(1, len(self.vectors)))]


def read(adapter: Adapter, width: int, part: str | None = None) -> LearnedWord:
    """The word in a file.

    Args:
        width: of the text encoder's vectors.
        part: what the vectors are called in a file for several text encoders; None: the file is for one.

    Raises:
        ModelError: the file is damaged, has no word or several, or its vectors are for another text encoder.
    """
    from safetensors.torch import load_file

    def refuse(reason: str) -> ModelError:
        return ModelError(f"{adapter.file} cannot be used as a textual inversion: {reason}", _ANOTHER)

    with guarded(refuse):
        tensors.check(adapter.file)
        content = load_file(adapter.file)
        if part is not None:
            if part not in content:
                raise refuse(f"it has no {part}, for one of the model's text encoders")
            content = {_A1111: content[part]}
        if len(content) != 1:
            raise refuse(f"it has {len(content)} tensors, and one is expected: {shorten(sorted(content))}")
        [(name, vectors)] = content.items()
        vectors = vectors.float()[None] if vectors.ndim == 1 else vectors.float()
        if vectors.ndim != 2 or vectors.shape[1] != width or not len(vectors):
            raise refuse(f"its vectors are {tuple(vectors.shape)}, and the text encoder's have {width} numbers")
        if not vectors.isfinite().all():
            raise refuse("it is infinite or not a number")
    word = adapter.file.stem if name == _A1111 else name
    if not word.strip() or word != word.strip() or not word.isprintable():
        raise refuse(f"{word!r} is no word that a prompt can have")
    return LearnedWord(word, vectors)
