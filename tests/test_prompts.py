"""From a class in words to its prompts: the article, and which of several prompts a job has."""

from __future__ import annotations

from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from genie_cli.jobs import Method
from genie_cli.prompts import article_for, chosen_prompt, prompts_of
from tests.plans import a_recipe, a_source

AN = """owl,ocelot,apple,Émile,umbrella,umiak,uncle,urn,uninhabited island,academic gown,hourglass,heir,X-ray,x-ray,
A320,F-16,MD-11,SUV,eight,8,11,18,800"""
A = """fox,unicorn,unicycle,uniform,user,utensil,ukulele,European fire salamander,ewe,one,one-armed bandit,honeycomb,
Honda,house,yurt,T-shirt,DC-10,UFO,U-boat,FOX,9,180,1"""


@pytest.mark.parametrize("words", AN.replace("\n", "").split(","))
def test_an(words: str) -> None:
    assert article_for(words) == "an"


@pytest.mark.parametrize("words", A.replace("\n", "").split(","))
def test_a(words: str) -> None:
    assert article_for(words) == "a"


@pytest.mark.parametrize(
    ("template", "words", "prompt"),
    [
        ("A photo of a {target}", "owl", "A photo of an owl"),
        ("A photo of an {target}", "fox", "A photo of a fox"),
        ("An {target} and a {target}.", "fox", "A fox and a fox."),
        ("A  {target}", "owl", "An  owl"),
        ("Panda {target}", "owl", "Panda owl"),  # that is no article
        ("a photo of the {target}", "owl", "a photo of the owl"),
        ("A photo of a {target}", "{target}", "A photo of a {target}"),
    ],
)
def test_the_article_in_front_of_the_target_suits_it(template: str, words: str, prompt: str) -> None:
    assert prompts_of([template], words) == (prompt,)


def test_a_superclass_follows_every_prompt() -> None:
    prompts = prompts_of(["A photo of a {target}", "an {target}"], "ovenbird", "bird")
    assert prompts == ("A photo of an ovenbird, a type of bird", "an ovenbird, a type of bird")
    assert prompts_of(["a {target}"], "owl", articles=False) == ("a owl",)


texts = st.lists(st.text("abc", min_size=1), min_size=1, max_size=5, unique=True)


@given(texts, st.integers(0, 50), st.randoms())
def test_the_choice_does_not_depend_on_the_order(prompts: list[str], replicate: int, random: st.DataObject) -> None:
    others = list(prompts)
    random.shuffle(others)  # type: ignore[attr-defined]
    content = sha256(b"a cat").hexdigest()
    assert chosen_prompt(prompts, content, "fox", replicate, 0) == chosen_prompt(others, content, "fox", replicate, 0)


def test_every_prompt_is_chosen_about_as_often() -> None:
    prompts = ["a", "b", "c", "d"]
    chosen = [chosen_prompt(prompts, sha256(str(n).encode()).hexdigest(), "fox", 0, 0) for n in range(2000)]
    assert all(440 < chosen.count(prompt) < 560 for prompt in prompts)  # 500, with a standard deviation of 19


def test_images_that_differ_in_their_ratio_alone_have_one_prompt_and_one_noise() -> None:
    recipe = a_recipe(prompt=("A photo of a {target}", "A sketch of a {target}"), r=(0.3, 0.5, 0.8), per_target=40)
    jobs = list(recipe.jobs([a_source(number) for number in range(10)]))
    families: dict[object, set[tuple[str, int]]] = {}
    for job in jobs:
        families.setdefault((job.source, job.target, job.replicate), set()).add((job.prompt, job.noise_seed))
    assert all(len(family) == 1 for family in families.values())
    assert len({job.prompt for job in jobs}) == 4  # two of each target


def test_another_prompt_more_leaves_most_jobs_as_they_are() -> None:
    some = [a_source(number) for number in range(300)]
    two = ("A photo of a {target}", "A sketch of a {target}")
    before, after = (
        {job.id for job in a_recipe(targets=("fox",), prompt=prompt).jobs(some)} for prompt in (two, (*two, "{target}"))
    )
    assert 150 < len(before & after) < 250  # two thirds of 300


def test_a_plan_of_before_has_the_prompts_that_it_had() -> None:
    stated = {"targets": ["owl"], "prompt": "A photo of a {target}", "method": "txt2img", "r": [1.0], "per_target": 1}
    (job,) = type(a_recipe()).model_validate({**stated, "model": "m@1"}).jobs([])
    assert (job.prompt, job.method) == ("A photo of a owl", Method.TXT2IMG)
