"""From a class in words to the text of its prompts: "A photo of an owl, a type of bird".

Independent of torch, files and folders.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Sequence
from functools import lru_cache

TARGET = "{target}"
_ARTICLE = re.compile(r"\b([Aa])n?( +)" + re.escape(TARGET))

# Which words follow "an" is a matter of sound. A vowel begins most of them, but not those that begin like "you" or
# "won"; a few have a silent h, some are spelled out letter by letter, and numbers are spoken.
_YOU_OR_WON = re.compile(r"eu|ew|u[bcfhjkqrst][aeiou]|uni(?!n|m)|one\b|once\b|ouija|u\b|ufo\b", re.IGNORECASE)
_VOWEL = re.compile(r"[aeiouàáâãäåæèéêëìíîïòóôõöøùúûü]", re.IGNORECASE)
_SILENT_H = re.compile(r"hour|honest|honou?r|heir|hors[ -]d", re.IGNORECASE)
_LETTERS = re.compile(r"(?:[B-DF-HJ-NP-TV-Z]{2,}|[A-Z])(?![^\W\d_])|[a-z](?=-)|(?:SUV|LED|MRI|FBI|SOS|RAF|NBA)\b")
_LIKE_A_VOWEL = frozenset("AEFHILMNORSX")  # the names of these letters begin with one
_NUMBER = re.compile(r"8|1[18](?!\d)")


def prompts_of(templates: Sequence[str], words: str, superclass: str = "", *, articles: bool = True) -> tuple[str, ...]:
    """The prompts of a class, in the order of the templates, each once.

    Args:
        templates: texts in which ``{target}`` stands for the class.
        words: the class in words.
        superclass: if set, ``, a type of {superclass}`` is appended (paper, section 4.3).
        articles: "a" or "an" in front of ``{target}`` becomes the one of them that suits ``words``.
    """
    return tuple(dict.fromkeys(_prompt(template, words, superclass, articles) for template in templates))


def chosen_prompt(prompts: Sequence[str], content: str | None, target: str, replicate: int, seed: int) -> str:
    """The prompt of a job, where its class has several.

    It is a function of what is made alone: neither of the order of the prompts, nor of the noise ratio, so that images
    which differ in that alone share their prompt. Another prompt more changes that of few jobs.

    Args:
        content: SHA-256 of the source; None if there is none.
        target, replicate, seed: the job's.
    """
    if len(prompts) == 1:
        return prompts[0]
    return max(prompts, key=lambda prompt: _rank("prompt", content, target, replicate, seed, prompt))


def article_for(words: str) -> str:
    """ "a" or "an", whichever is said before ``words``."""
    if spelled := _LETTERS.match(words):
        return "an" if spelled[0][0].upper() in _LIKE_A_VOWEL else "a"
    if words[:1].isdigit():
        return "an" if _NUMBER.match(words) else "a"
    sounds_like_a_vowel = _SILENT_H.match(words) or (_VOWEL.match(words) and not _YOU_OR_WON.match(words))
    return "an" if sounds_like_a_vowel else "a"


@lru_cache(maxsize=4096)
def _prompt(template: str, words: str, superclass: str, articles: bool) -> str:
    if articles:
        rest = article_for(words)[1:]
        template = _ARTICLE.sub(lambda found: f"{found[1]}{rest}{found[2]}{TARGET}", template)
    return template.replace(TARGET, words) + (f", a type of {superclass}" if superclass else "")


def _rank(*what: object) -> bytes:
    return hashlib.sha256(json.dumps(what).encode()).digest()
