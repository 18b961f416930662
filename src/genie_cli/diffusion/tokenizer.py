"""Prompts to token ids, by a tokenizer that is known to be whole and to belong to the text encoder."""

from __future__ import annotations

import re
import string
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic_core import from_json

from genie_cli.diffusion import configuration, families, textual_inversion
from genie_cli.diffusion.adapters import Adapter
from genie_cli.diffusion.family import tokenizer_of
from genie_cli.diffusion.libraries import guarded
from genie_cli.diffusion.locate import Located
from genie_cli.diffusion.parts import TextEncoder
from genie_cli.diffusion.textual_inversion import LearnedWord
from genie_cli.errors import ModelError, UsageError, shorten
from genie_cli.files.reading import blaming, is_folder, open_binary, read_bytes

if TYPE_CHECKING:
    from torch import Tensor

_MAX_BYTES = 64 << 20  # of a vocabulary; CLIP's has 3.6 MB
_END_OF_WORD = "</w>"  # what CLIP writes behind the last letter of a word
# CLIP's tokens are built from bytes, so that each of these has tokens, and no two have the same.
_PROBES = ("A photo of a cat", "A photo of a dog", *string.ascii_lowercase, *string.digits, *string.punctuation)


class Tokenizer:
    """Turns prompts into token ids, and refuses prompts that the model would truncate.

    Args:
        located: the snapshot.
        encoder: the folder of the text encoder that it is for.

    Attributes:
        limit: tokens that a prompt may have, including the start and end tokens: 77 for CLIP.
        words: that the model's textual inversions add.

    Raises:
        ModelError: the snapshot's tokenizer cannot be loaded, or its vocabulary is not whole or not the text encoder's.
    """

    def __init__(self, located: Located, encoder: str = "text_encoder") -> None:
        from transformers import CLIPTokenizer

        folder = located.path / tokenizer_of(encoder)
        config = configuration.read_part(located.path / encoder / "config.json", TextEncoder)
        self.limit = config.max_position_embeddings
        self.words: tuple[LearnedWord, ...] = ()

        def refuse(reason: str) -> ModelError:
            return ModelError(f"{folder} is damaged, not whole or of another model: {reason}", configuration.AGAIN)

        with guarded(refuse):
            for file in folder.iterdir():
                _check(file)
            self._tokenizer = CLIPTokenizer.from_pretrained(folder, local_files_only=True)
            if fault := self._fault(config.vocab_size):
                raise refuse(fault)
        for adapter in located.adapters:
            if adapter.kind == "embedding":
                part = families.of(located.path).learned_vectors.get(encoder)
                self._learn(adapter, textual_inversion.read(adapter, config.hidden_size, part))

    def ids(self, prompt: str) -> Tensor:
        """Padded token ids, (1, limit), int64.

        Raises:
            UsageError: the prompt has more than ``limit`` tokens.
        """
        self.check(prompt)
        ids: Tensor = self._tokenizer(
            [self._expanded(prompt)], padding="max_length", max_length=self.limit, return_tensors="pt"
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
        found: list[list[int]] = self._tokenizer(
            [self._expanded(prompt) for prompt in prompts],
            verbose=False,  # else it warns of long ones
        ).input_ids
        return found

    def _learn(self, adapter: Adapter, word: LearnedWord) -> None:
        """Add the tokens of a word, with the next ids; raises ModelError if it could not be told from others."""
        theirs: Any = self._tokenizer
        if taken := sorted(theirs.get_vocab().keys() & set(word.tokens)):
            raise ModelError(f"{adapter.file} adds the word {taken[0]!r}, which the model has already", "rename it")
        first = len(theirs)
        theirs.add_tokens(word.tokens)
        self.words = (*self.words, word)
        (ids,) = self._tokens([word.word])
        if ids[1:-1] != list(range(first, first + len(word.tokens))):
            raise ModelError(f"{adapter.file} adds {word.word!r}, which the tokenizer takes apart", "rename it")

    def _expanded(self, prompt: str) -> str:
        """The prompt with all the tokens of each word that has several, as diffusers expands it."""
        tokens = {word.word.lower(): " ".join(word.tokens) for word in self.words}
        if not tokens:
            return prompt
        longest_first = sorted(map(re.escape, tokens), key=len, reverse=True)
        return re.sub("|".join(longest_first), lambda match: tokens[match[0].lower()], prompt, flags=re.IGNORECASE)

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
        if len(set(probed)) < len(probed):
            return "it gives different prompts the same tokens"
        odd = self._unmade()
        return f"its merges are not its vocabulary's: they do not make {shorten(odd)}" if odd else ""

    def _unmade(self) -> list[str]:
        """The tokens that the merges never make, so that words would be taken apart into letters; none if it is whole.

        They make all tokens but those of a single byte, and those that were added for the start and the end.
        """
        theirs: Any = self._tokenizer
        merges = from_json(theirs.backend_tokenizer.to_str())["model"]["merges"]
        made = {"".join(pair.split(" ") if isinstance(pair, str) else pair) for pair in merges}
        own = theirs.get_vocab().keys() - theirs.get_added_vocab().keys() - made
        return sorted(token for token in own if len(token.removesuffix(_END_OF_WORD)) > 1)


def of(located: Located) -> tuple[Tokenizer, ...]:
    """The tokenizers of a snapshot; raises as `Tokenizer`."""
    return tuple(Tokenizer(located, encoder) for encoder in families.of(located.path).text_encoders)


def check_for(located: Located) -> Callable[[str], None]:
    """What raises UsageError for a prompt that is too long for one of the model's text encoders."""
    tokenizers = of(located)

    def check(prompt: str) -> None:
        for each in tokenizers:
            each.check(prompt)

    return check


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
