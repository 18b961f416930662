"""Prompts to token ids, by a tokenizer that is known to be whole and to belong to the text encoder."""

from __future__ import annotations

import string
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic_core import from_json

from genie_cli.diffusion import configuration
from genie_cli.diffusion.libraries import guarded
from genie_cli.diffusion.locate import Located
from genie_cli.errors import ModelError, UsageError
from genie_cli.files.reading import blaming, is_folder, open_binary, read_bytes

if TYPE_CHECKING:
    from torch import Tensor

_MAX_BYTES = 64 << 20  # of a vocabulary; CLIP's has 3.6 MB
# CLIP's tokens are built from bytes, so that each of these has tokens, and no two have the same.
_PROBES = ("A photo of a cat", "A photo of a dog", *string.ascii_lowercase, *string.digits, *string.punctuation)


class Tokenizer:
    """Turns prompts into token ids, and refuses prompts that the model would truncate.

    Attributes:
        limit: tokens that a prompt may have, including the start and end tokens: 77 for CLIP.

    Raises:
        ModelError: the snapshot's tokenizer cannot be loaded, or its vocabulary is not whole or not the text encoder's.
    """

    def __init__(self, located: Located) -> None:
        from transformers import CLIPTokenizer

        folder = located.path / "tokenizer"
        encoder = configuration.read_part(located.path / "text_encoder/config.json", configuration.TextEncoder)
        self.limit = encoder.max_position_embeddings

        def refuse(reason: str) -> ModelError:
            return ModelError(f"{folder} is damaged, not whole or of another model: {reason}", configuration.AGAIN)

        with guarded(refuse):
            for file in folder.iterdir():
                _check(file)
            self._tokenizer = CLIPTokenizer.from_pretrained(folder, local_files_only=True)
            if fault := self._fault(encoder.vocab_size):
                raise refuse(fault)

    def ids(self, prompt: str) -> Tensor:
        """Padded token ids, (1, limit), int64.

        Raises:
            UsageError: the prompt has more than ``limit`` tokens.
        """
        self.check(prompt)
        ids: Tensor = self._tokenizer(
            [prompt], padding="max_length", max_length=self.limit, return_tensors="pt"
        ).input_ids
        return ids

    def check(self, prompt: str) -> None:
        """Raise UsageError for a prompt with more than ``limit`` tokens, which the model would silently truncate."""
        (tokens,) = self._tokens([prompt])
        if len(tokens) > self.limit:
            raise UsageError(
                f"the prompt has {len(tokens)} tokens, the model reads {self.limit}: {prompt!r}",
                "shorten --prompt, --superclass or the target's name",
            )

    def _tokens(self, prompts: Iterable[str]) -> list[list[int]]:
        found: list[list[int]] = self._tokenizer(list(prompts), verbose=False).input_ids  # verbose: warns of long ones
        return found

    def _fault(self, known: int) -> str:
        """Why the tokenizer is not the text encoder's, which knows ``known`` tokens; empty if it is."""
        theirs: Any = self._tokenizer
        ids = set(theirs.get_vocab().values())
        if ids != set(range(known)):
            return f"its vocabulary has {len(ids)} tokens, and the text encoder knows {known}"
        start, end = theirs.bos_token_id, theirs.eos_token_id
        if start is None or end is None or start == end or theirs.pad_token_id not in ids:
            return "it has no token for the start, the end or what is left empty"
        if self._tokens([""]) != [[start, end]] or self.ids("")[0].tolist()[:2] != [start, end]:
            return "it does not enclose a prompt in the tokens for its start and end"
        probed = [tuple(tokens[1:-1]) for tokens in self._tokens(_PROBES)]
        if any(not tokens or {start, end, theirs.unk_token_id} & set(tokens) for tokens in probed):
            return "it has no tokens for some letters"
        return "it gives different prompts the same tokens" if len(set(probed)) < len(probed) else ""


def _check(file: Path) -> None:
    """Raise ModelError for a file that transformers should not open, or that is not what its name says."""
    if is_folder(file):
        return
    with blaming(
        file, lambda message: ModelError(message, configuration.AGAIN), "JSON" if file.suffix == ".json" else "text"
    ):
        if file.suffix == ".json":
            from_json(read_bytes(file, _MAX_BYTES), allow_inf_nan=True)
        elif file.suffix == ".txt":
            read_bytes(file, _MAX_BYTES).decode()
        else:
            open_binary(file).close()
