"""The vocabulary and the text encoder: CLIP's, made small.

The tokenizer is CLIP's byte-level BPE with merges of its own: every word of the prompts below is one token, and other
text is split into bytes, as in CLIP's tokenizer rare words are.
"""

from tokenizers.pre_tokenizers import ByteLevel
from transformers import CLIPTextConfig, CLIPTextModel, CLIPTokenizer

from genie_cli.data.digits import CLASSES

LENGTH = 32
WIDTH = 64
TEMPLATES = ("A photo of a {}", "A photo of a {}, a type of digit", "a photo of the digit {}")


def tokenizer() -> CLIPTokenizer:
    words = sorted({word for t in TEMPLATES for word in t.lower().replace(",", "").split()} - {"{}"} | set(CLASSES))
    merges = list(dict.fromkeys(merge for word in words for merge in merges_of(word)))
    alphabet = sorted(ByteLevel.alphabet())
    tokens = [*alphabet, *(letter + "</w>" for letter in alphabet), *("".join(pair) for pair in merges)]
    tokens += ["<|startoftext|>", "<|endoftext|>"]
    vocabulary = {token: number for number, token in enumerate(tokens)}
    return CLIPTokenizer(vocab=vocabulary, merges=merges, model_max_length=LENGTH)


def merges_of(word: str) -> list[tuple[str, str]]:
    """The merges that build a word from its letters, from the left."""
    letters = [*word[:-1], word[-1] + "</w>"]
    return [("".join(letters[:i]), letters[i]) for i in range(1, len(letters))]


def encoder(tokenizer: CLIPTokenizer) -> CLIPTextModel:
    return CLIPTextModel(
        CLIPTextConfig(
            vocab_size=len(tokenizer),
            hidden_size=WIDTH,
            intermediate_size=4 * WIDTH,
            projection_dim=WIDTH,
            num_hidden_layers=2,
            num_attention_heads=4,
            max_position_embeddings=LENGTH,
            bos_token_id=tokenizer.bos_token_id,
            eos_token_id=tokenizer.eos_token_id,
            pad_token_id=tokenizer.pad_token_id,
        )
    )
