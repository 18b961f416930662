"""Checks a run of `genie fewshot` or `genie finegrained` and finds what it needs.

Importing it loads no torch or NumPy.
"""

from __future__ import annotations

import os
from collections.abc import Sequence, Set
from typing import TYPE_CHECKING

from genie_cli.config import Settings
from genie_cli.data import catalog
from genie_cli.data.catalog import Entry
from genie_cli.data.dataset import Dataset
from genie_cli.data.random_split import split_file
from genie_cli.diffusion.vocabulary import require_known
from genie_cli.evaluate import checks, obtain, results
from genie_cli.evaluate.augmentations import Augmentation
from genie_cli.fewshot.benchmark import Benchmark
from genie_cli.fewshot.options import FewShotOptions, backbone_name, check, section_of, with_authors
from genie_cli.fewshot.task import AS_AUTHORS, Task
from genie_cli.generate.run import Run, locate_model
from genie_cli.jobs import Source
from genie_cli.observer import Observer
from genie_cli.settings import is_set, with_defaults

if TYPE_CHECKING:
    from genie_cli.fewshot.episodes import EpisodeList
    from genie_cli.fewshot.needs import EpisodeJobs

_REPLACE = "put back these files as they were published"


def prepare(
    task: Task,
    options: FewShotOptions,
    settings: Settings,
    given: Set[str],
    observer: Observer,
    *,
    plan_only: bool = False,
) -> Benchmark:
    """Check a run, read its data set, draw its episodes and find its diffusion model. Nothing is written.

    Args:
        given: keys of the settings that were typed, such as ``"generate.seed"``; only these can conflict.
        plan_only: only the returned benchmark's ``run`` will be used; nothing is evaluated.

    Raises:
        UsageError: options contradict each other, one would have no effect, or a value cannot be used.
        FolderError: the data set is not in its folder, has too few images for the episodes, or broken ones.
        ManifestError: a manifest cannot be read.
        ModelError: the diffusion model cannot be found.
        OutputError: the output folder cannot be used, or has files that genie did not write.
    """
    entry = catalog.entry(task.name, options.dataset)
    settings, asked = with_defaults(settings, entry.defaults), settings
    if options.as_authors:
        settings = with_authors(settings)
    augmentations = check(task, options, entry, settings, given, plan_only=plan_only)
    with observer.progress("Looking up the backbone"):  # imports timm and torch, which takes seconds
        network = _check_names(task, options, entry, settings, plan_only=plan_only)
    if entry.note and not options.episode_lists and any(_is_own(task, key, asked) for key in entry.defaults):
        observer.found(entry.note)
    dataset = catalog.load(
        task.name,
        options.dataset,
        settings.data.dir,
        partial=options.partial,
        pool=settings.data.pool,
        split=checks.split_of(settings.data),
        observer=observer,
    )
    dataset = obtain.named(dataset, options.names, observer)
    checks.check_compositor(dataset, augmentations)
    dataset, lists = _lists(task, options, entry, settings, dataset, observer)
    if not plan_only:
        results.require_own(options.out, {each.file_name: each.text for each in lists} | split_file(dataset))
    needs, run, probes = _generation(task, options, settings, given, observer, dataset, lists, augmentations)
    protocol = AS_AUTHORS if options.as_authors else task.protocol
    return Benchmark(
        task, options, settings, observer, network, dataset, lists, augmentations, needs, protocol, run, probes
    )


def _check_names(task: Task, options: FewShotOptions, entry: Entry, settings: Settings, *, plan_only: bool) -> str:
    """Check folder, device, files and backbone before data are read; return the backbone's name."""
    from genie_cli.fewshot.episodes import require_list

    checks.check_places(options.out, settings.model.device, options.manifests)
    for path in options.episode_lists:
        require_list(path)
    if not plan_only:
        files = (*results.RECORD_FILES, *(results.COMPARISON_FILES if options.compare else ()))
        results.require_own(options.out, dict.fromkeys(files))
    network = backbone_name(task, options, entry)
    # Without a folder to read, `catalog.load` says where to get the data set, which a person needs to know first.
    has_data = entry.is_bundled or os.path.isdir(settings.data.dir or "")
    if options.backbone or (has_data and not plan_only):
        checks.check_backbone(network)
    return network


def _is_own(task: Task, key: str, settings: Settings) -> bool:
    """Whether a setting is one of the task's own that nobody has set."""
    return key.startswith(f"{task.name}.") and not is_set(settings, key)


def _lists(
    task: Task, options: FewShotOptions, entry: Entry, settings: Settings, dataset: Dataset, observer: Observer
) -> tuple[Dataset, Sequence[EpisodeList]]:
    """The episodes, drawn or read, and the data set without images that are broken, if these can be left out.

    Raises:
        UsageError, FolderError: see `fewshot.episodes`; or an image is broken without which it is another benchmark.
    """
    from genie_cli.evaluate.readable import require_readable, without_broken
    from genie_cli.fewshot.episodes import EpisodeSpec, draw_lists, read_lists

    name = entry.name_of(settings.data.pool)
    if options.episode_lists:
        lists = read_lists(options.episode_lists, dataset, name)
        require_readable(dataset.root, _images_of(lists), observer, f"{_REPLACE}; or leave out --episode-list")
        return dataset, lists
    if entry.is_own or options.partial:
        dataset = without_broken(dataset, observer)
    wanted, seed = section_of(task, settings), settings.generate.seed
    specs = [
        EpisodeSpec(ways=wanted.ways, shots=shots, queries=wanted.queries, seed=seed)
        for shots in sorted(set(wanted.shots))
    ]
    lists = draw_lists(dataset, name, specs, wanted.episodes)
    if not (entry.is_own or entry.is_bundled or options.partial):
        require_readable(dataset.root, _images_of(lists), observer, f"{_REPLACE}; or leave them out: --partial")
    return dataset, lists


def _images_of(lists: Sequence[EpisodeList]) -> Sequence[Source]:
    """Every image of the episodes, once."""
    episodes = (episode for each in lists for episode in each.episodes)
    parts = (part for episode in episodes for part in (*episode.support, *episode.query))
    return list({source.path: source for part in parts for source in part}.values())


def _generation(
    task: Task,
    options: FewShotOptions,
    settings: Settings,
    given: Set[str],
    observer: Observer,
    dataset: Dataset,
    lists: Sequence[EpisodeList],
    augmentations: Sequence[Augmentation],
) -> tuple[EpisodeJobs, Run | None, Run | None]:
    """Which generated images the episodes need, and the runs that make them and their probes, if they are to be made.

    A model is located, which can be a download, only if there are images to make.
    """
    from genie_cli.fewshot.needs import EpisodeJobs

    to_make = not options.manifests and any(augmentation.generates for augmentation in augmentations)
    if to_make:
        classes = {label for each in lists for episode in each.episodes for label in episode.classes}
        require_known(settings.model.name, checks.prompt_words(dataset, sorted(classes)))
    located = locate_model(settings, given, observer) if to_make else None
    model = located.identity if located else ""
    prompts_for = obtain.prompts_for(settings, dataset, options.names, all_words=options.as_authors)
    needs = EpisodeJobs(prompts_for, model, settings.generate.seed, section_of(task, settings).added)
    if not located:
        return needs, None, None
    runs = []
    for probe in (False, True):
        chosen = [each for each in augmentations if each.generates and each.probe == probe]
        jobs = (job for each in lists for job in needs.needed(each.episodes, chosen))
        run = obtain.run_for(jobs, dataset.root, settings, located, options.out, observer, probe=probe)
        runs.append(run if chosen else None)
    return needs, runs[0], runs[1]
