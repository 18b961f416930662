"""Faults of what a few-shot classifier is fitted to: rows, views and labels."""

from __future__ import annotations

from tests.planted.fault import Fault

_ROWS = "tests/fewshot/test_rows.py"
_GENERATED = "tests/fewshot/test_rows_generated.py"
_IN_EPISODES = "tests/fewshot/test_ada_in_episodes.py"
_NEEDS = "tests/fewshot/test_needs.py"
_AUGMENT = "tests/fewshot/test_augment.py"

FAULTS = (
    Fault(
        "ada-ignores-its-choice",
        "fewshot/evaluator.py",
        "[(group, self._adaptive(episode, group)) for group in own if group.images]",
        "[(group, group.images[0][0]) for group in own if group.images]",
        (_IN_EPISODES,),
    ),
    Fault(
        "ada-axis-of-class-0",
        "fewshot/evaluator.py",
        "episode.support[group.target]))",
        "episode.support[0]))",
        (_IN_EPISODES,),
    ),
    Fault(
        "four-crops-for-five",
        "fewshot/task.py",
        "Protocol(center_crop=False, crops=5,",
        "Protocol(center_crop=False, crops=4,",
        (f"{_ROWS}::test_weak_is_every_image_in_different_crops",),
    ),
    Fault(
        "strong-shows-weak-views",
        "fewshot/support.py",
        "view = self.views.strong if",
        "view = self.views.weak if",
        (f"{_ROWS}::test_strong_is_as_many_crops_of_which_most_have_other_colours",),
    ),
    Fault(
        "mixed-labels-made-hard",
        "fewshot/evaluator.py",
        "labels.append(soft.double().numpy())",
        "labels.append(np.eye(ways)[soft.argmax(dim=1).numpy()])",
        (f"{_ROWS}::test_a_mixture_is_labelled_with_the_shares_of_what_is_in_it",),
    ),
    Fault(
        "soft-labels-not-renormalised",
        "evaluate/generated.py",
        "np.asarray(shares / shares.sum())",
        "np.asarray(shares)",
        (f"{_GENERATED}::test_soft_labels_are_the_oracles_shares_of_the_episodes_classes",),
    ),
    Fault(
        "txt2img-alike-for-all-classes",
        "fewshot/needs.py",
        "drawn = (np.concatenate([rng.permutation(_TXT2IMG_PER_CLASS), more])[:count] for _ in every)",
        "drawn = [np.concatenate([rng.permutation(_TXT2IMG_PER_CLASS), more])[:count]] * len(every)",
        (f"{_NEEDS}::test_txt2img_draws_for_each_class_anew",),
    ),
    Fault(
        "txt2img-alike-in-all-episodes",
        "fewshot/needs.py",
        "np.random.default_rng([episode.number, ",
        "np.random.default_rng([0, ",
        (f"{_NEEDS}::test_episodes_share_txt2imgs_pool_and_draw_differently_from_it",),
    ),
    Fault(
        "sources-class-by-class",
        "fewshot/needs.py",
        "[source for shot in zip(*parts, strict=True) for source in shot]",
        "[source for part in parts for source in part]",
        (f"{_NEEDS}::test_sources_come_from_each_other_class_in_turn",),
    ),
    Fault(
        "own-class-among-the-sources",
        "fewshot/needs.py",
        "parts = [*episode.support[own + 1 :], *episode.support[:own]]",
        "parts = [*episode.support[own:], *episode.support[:own]]",
        (f"{_NEEDS}::test_genie_takes_every_support_image_of_every_other_class",),
    ),
    Fault(
        "as-many-images-as-classes",
        "fewshot/needs.py",
        "(len(episode.classes) - 1) * len(episode.support[0])",
        "len(episode.classes) * len(episode.support[0])",
        (f"{_NEEDS}::test_each_class_gets_as_many_families_as_genie_has_sources",),
    ),
    Fault(
        "replicates-all-alike",
        "fewshot/needs.py",
        "place // len(sources))",
        "0)",
        (f"{_NEEDS}::test_more_than_there_are_sources_starts_again_with_another_replicate",),
    ),
    Fault(
        "generated-images-cropped",
        "fewshot/support.py",
        "if self.protocol.crop_generated:",
        "if True:",
        (f"{_GENERATED}::test_generated_images_are_added_under_their_target",),
    ),
    Fault(
        "fine-grained-with-crops",
        "fewshot/support.py",
        "return self.protocol.crops_beside_generated or not",
        "return True or not",
        (f"{_GENERATED}::test_generated_images_are_added_under_their_target",),
    ),
    Fault(
        "pasted-the-wrong-way-round",
        "fewshot/support.py",
        "self.views.pasted(source, onto)",
        "self.views.pasted(onto, source)",
        (f"{_ROWS}::test_paste_puts_each_image_before_the_others_in_turn",),
    ),
    Fault(
        "all-generated-objects-pasted-onto-one-image",
        "fewshot/support.py",
        "others(episode, group.target, group.place + 1)[-1]",
        "others(episode, group.target, 1)[-1]",
        (f"{_GENERATED}::test_txt2img_paste_puts_generated_objects_before_the_others_in_turn",),
    ),
    Fault(
        "rejected-images-used",
        "fewshot/support.py",
        "for job in group if (image := known.find(job)) and image.accepted]",
        "for job in group if (image := known.find(job))]",
        (f"{_IN_EPISODES}::test_what_the_oracle_rejected_is_not_among_the_candidates",),
    ),
    Fault(
        "labelled-with-the-first-class",
        "fewshot/support.py",
        "image.label(episode.classes[group.target], ",
        "image.label(episode.classes[0], ",
        (f"{_GENERATED}::test_generated_images_are_added_under_their_target",),
    ),
    Fault(
        "queries-in-random-crops",
        "fewshot/support.py",
        "return (self.views.center_crop(source) for part in episode.query for source in part)",
        "return (self.views.weak(source, 0) for part in episode.query for source in part)",
        (f"{_ROWS}::test_queries_are_seen_whole_and_once",),
    ),
    Fault(
        "all-crops-of-an-image-alike",
        "fewshot/views.py",
        "augment.weak(self._open(source, self._needed), _seed(source.sha256, number))\n        )",
        "augment.weak(self._open(source, self._needed), _seed(source.sha256, 0))\n        )",
        (f"{_ROWS}::test_weak_is_every_image_in_different_crops",),
    ),
    Fault(
        "views-upside-down-under-the-key-of-others",
        "fewshot/views.py",
        '"strong-v" if self._augment.flip_vertically else "strong"',
        '"strong"',
        ("tests/fewshot/test_views.py",),
    ),
    Fault(
        "mixing-ratio-of-the-authors-ignored",
        "fewshot/evaluator.py",
        "seed, protocol.mix_alpha)",
        "seed, None)",
        (f"{_ROWS}::test_as_authors_mixes_by_another_distribution",),
    ),
    Fault(
        "mixing-ratios-exchanged",
        "fewshot/augment.py",
        '_ALPHA = {"cutmix": 1.0, "mixup": 0.2}',
        '_ALPHA = {"cutmix": 0.2, "mixup": 1.0}',
        (f"{_AUGMENT}::test_the_mixing_ratio_is_drawn_from_the_papers_distributions",),
    ),
    Fault(
        "labels-not-shuffled-with-the-images",
        "fewshot/augment.py",
        "mixing(images[order].float(), labels[order])",
        "mixing(images[order].float(), labels)",
        (f"{_AUGMENT}::TestMix",),
    ),
    Fault(
        "digits-mirrored",
        "fewshot/augment.py",
        "steps += [v2.RandomHorizontalFlip()] if self.crops.flip else []",
        "steps += [v2.RandomHorizontalFlip()]",
        (f"{_AUGMENT}::test_a_digit_is_never_mirrored_and_a_photo_half_the_time",),
    ),
)
