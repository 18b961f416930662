"""Faults of the few-shot evaluation: GeNIe-Ada, episodes, classifiers, comparisons, what is kept."""

from __future__ import annotations

from tests.planted.fault import Fault

_GENERATED = "tests/fewshot/test_rows_generated.py"
_ADA = "tests/generate/test_ada.py"
_ADAPTIVE = "tests/generate/test_adaptive.py"
_CLASSIFIERS = "tests/fewshot/test_classifiers.py"
_EPISODES = "tests/fewshot/test_episodes.py"
_PREDICTIONS = "tests/fewshot/test_predictions.py"
_COMPARE = "tests/fewshot/test_compare.py"

FAULTS = (
    Fault("ada-signed-jump", "generate/ada.py", "np.abs(np.diff(", "+(np.diff(", (_ADA,)),
    Fault("ada-image-before-the-jump", "generate/ada.py", ".argmax()) + 1", ".argmax())", (_ADA,)),
    Fault(
        "ada-source-not-normalised",
        "generate/ada.py",
        "- normalised(source[None])[0]",
        "- source",
        (_ADA,),
    ),
    Fault(
        "ada-cost-of-the-chosen-image-alone",
        "generate/ada.py",
        "return sum(steps_of(r, steps) for r in ratios)",
        "return steps_of(chosen, steps)",
        (_ADA,),
    ),
    Fault(
        "adaptive-by-the-source-of-another-image",
        "generate/choosing.py",
        "after_jump(np.stack(rows), sources[source.sha256], target)",
        "after_jump(np.stack(rows), next(iter(sources.values())), target)",
        (f"{_ADAPTIVE}::test_the_choice_is_that_of_the_rule_applied_to_the_probes_by_hand",),
    ),
    Fault(
        "adaptive-limit-not-of-the-probes",
        "generate/adaptive.py",
        "limit = self.share.limit and self.share.limit * len(ADA_RATIOS)",
        "limit = None",
        (f"{_ADAPTIVE}::test_it_takes_no_more_than_twice_the_steps_of_one_r",),
    ),
    Fault(
        "random-ratios-not-by-the-marginal",
        "fewshot/evaluator.py",
        "np.array([marginal[job.r] for job in jobs], dtype=np.float64)",
        "np.ones(len(jobs))",
        (f"{_GENERATED}::test_a_ratio_that_genie_ada_never_chooses_is_never_drawn",),
    ),
    Fault(
        "probe-chooses-by-whole-images",
        "fewshot/support.py",
        "return self.probes if augmentation.probe else self.images",
        "return self.images",
        (f"{_GENERATED}::test_genie_ada_by_probe_chooses_by_probes_and_adds_whole_images",),
    ),
    Fault(
        "probes-made-into-rows",
        "fewshot/support.py",
        "image = self.images.find(job)\n            if image",
        "image = self.probes.find(job) or self.images.find(job)\n            if image",
        (f"{_GENERATED}::test_genie_ada_by_probe_chooses_by_probes_and_adds_whole_images",),
    ),
    Fault(
        "query-features-not-normalised",
        "fewshot/classifiers.py",
        "labels, normalised(query))",
        "labels, query)",
        (_CLASSIFIERS,),
    ),
    Fault(
        "ten-times-less-regularised",
        "fewshot/classifiers.py",
        "LogisticRegression(C=1.0, max_iter=1000)",
        "LogisticRegression(C=10.0, max_iter=1000)",
        (_CLASSIFIERS,),
    ),
    Fault(
        "shares-of-soft-labels-ignored",
        "fewshot/classifiers.py",
        "max_iter=1000)\n    model.fit(support[rows], classes, sample_weight=labels[rows, classes])",
        "max_iter=1000)\n    model.fit(support[rows], classes)",
        (_CLASSIFIERS,),
    ),
    Fault(
        "support-image-among-the-queries",
        "fewshot/episodes.py",
        "[source for source in dataset.test_by_class[label] if source.sha256 not in used]",
        "[source for source in dataset.test_by_class[label]]",
        (f"{_EPISODES}::test_episodes_are_balanced_and_share_no_content",),
    ),
    Fault(
        "queries-from-the-training-split",
        "fewshot/episodes.py",
        "candidates = [source for source in dataset.test_by_class[label] if",
        "candidates = [source for source in dataset.train_by_class[label] if",
        (f"{_EPISODES}::test_episodes_are_balanced_and_share_no_content",),
    ),
    Fault(
        "every-episode-the-same",
        "fewshot/episodes.py",
        "[spec.seed, spec.ways, spec.shots, spec.queries, number]",
        "[spec.seed, spec.ways, spec.shots, spec.queries]",
        (_EPISODES,),
    ),
    Fault(
        "accuracy-of-shuffled-truth",
        "fewshot/evaluator.py",
        "np.repeat(np.arange(len(episode.query)), [len(part) for part in episode.query])",
        "np.tile(np.arange(len(episode.query)), max(len(part) for part in episode.query))",
        ("tests/fewshot/test_evaluator.py",),
    ),
    Fault(
        "originals-of-queries-ignored",
        "fewshot/compare.py",
        "[original_of(source) for part in episode.query for source in part]",
        "[source.sha256 for part in episode.query for source in part]",
        (f"{_COMPARE}::test_images_of_one_original_are_one_cluster",),
    ),
    Fault(
        "support-clustered-by-episode",
        "fewshot/compare.py",
        "[original_of(source) for _, source in episode.labelled_support()]",
        "[(episode.number, source.sha256) for _, source in episode.labelled_support()]",
        (f"{_COMPARE}::test_support_images_that_come_again_widen_the_interval",),
    ),
    Fault(
        "difference-the-other-way-round",
        "fewshot/compare.py",
        "outcomes[first].predicted, outcomes[second].predicted)",
        "outcomes[second].predicted, outcomes[first].predicted)",
        (f"{_COMPARE}::test_a_program_and_the_command_compare_what_the_files_of_predictions_say",),
    ),
    Fault(
        "predictions-of-another-protocol-used",
        "fewshot/benchmark.py",
        '            "protocol": self.protocol,\n',
        "",
        (f"{_PREDICTIONS}::TestResuming::test_so_does_another_protocol_on_the_same_episodes",),
    ),
    Fault(
        "predictions-of-another-classifier-used",
        "fewshot/benchmark.py",
        '            "classifier": self._classifier,\n            "augmentation"',
        '            "augmentation"',
        (f"{_PREDICTIONS}::TestResuming::test_whatever_decides_them_makes_them_anew",),
    ),
    Fault(
        "predictions-of-other-images-used",
        "evaluate/generated.py",
        "yield (*key, row.sha256, row.is_accepted,",
        "yield (*key, row.is_accepted,",
        ("tests/evaluate/test_generated.py",),
    ),
    Fault(
        "the-papers-figure-beside-another-protocol",
        "fewshot/benchmark.py",
        "and self.protocol == self.task.protocol",
        "",
        ("tests/fewshot/test_benchmark.py::test_the_papers_figures_are_for_what_was_measured_alike",),
    ),
    Fault(
        "the-papers-figure-beside-another-number-of-images",
        "fewshot/benchmark.py",
        "self.options.soft_labels or self.needs.added)",
        "self.options.soft_labels)",
        ("tests/fewshot/test_benchmark.py::test_the_papers_figures_are_for_what_was_measured_alike",),
    ),
)
