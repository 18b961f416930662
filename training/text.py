"""The vocabulary and the text encoder: CLIP's, made small.

The tokenizer is CLIP's byte-level BPE over our own merges: every word of the prompts below is one token, any
other text falls back to bytes, as a real snapshot's tokenizer does with rare words.
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


def encoder(words: CLIPTokenizer) -> CLIPTextModel:
    return CLIPTextModel(
        CLIPTextConfig(
            vocab_size=len(words),
            hidden_size=WIDTH,
            intermediate_size=4 * WIDTH,
            projection_dim=WIDTH,
            num_hidden_layers=2,
            num_attention_heads=4,
            max_position_embeddings=LENGTH,
            bos_token_id=words.bos_token_id,
            eos_token_id=words.eos_token_id,
            pad_token_id=words.pad_token_id,
        )
    )
