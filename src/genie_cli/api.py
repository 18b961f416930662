"""genie for programs and notebooks. Every function here is the one that the command of its name calls.

    from genie_cli import api

    found = api.confuse("photos", backbone="digits")
    made = api.generate("photos", ["lynx", "leopard"], confusion=found, out="made")
    judged = api.judge(made.manifest)
    table = api.fewshot("digits", augment=["weak", "genie"], manifest="made")

Arguments are named as the options of the commands are. Settings may be given as a `config.Settings`, as keywords
(``steps=20``), or both: keywords override. Neither the environment nor `genie.toml` is read. All functions are silent
unless they are passed an `observer.Observer`, and raise `errors.GenieError`, whose ``hint`` says what to do.

Importing this module does not load torch. It is a module, and not names in the package, because a function
``generate`` and the subpackage ``generate`` would overwrite each other there.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from genie_cli.config import Settings
from genie_cli.confuse.confusion import Confusion
from genie_cli.data.class_names import ClassNames, read_if_given
from genie_cli.errors import UsageError
from genie_cli.generate.request import PlanRequest, tidy_names
from genie_cli.jobs import ADA_RATIOS
from genie_cli.observer import Observer
from genie_cli.settings import keys, override, split_list

if TYPE_CHECKING:
    from genie_cli.export.export import Exported
    from genie_cli.fewshot.results import Records as FewShotRecords
    from genie_cli.fewshot.task import Task
    from genie_cli.gallery.gallery import Gallery
    from genie_cli.generate.run import Made, Run
    from genie_cli.generate.status import FolderStatus
    from genie_cli.longtail.results import Records as LongTailRecords
    from genie_cli.oracle.judge import Judged
    from genie_cli.oracle.selected import Selected
    from genie_cli.unpack.unpack import Unpacked

_Path = str | Path
_Paths = str | Path | Sequence[str | Path]
_Words = str | Sequence[str]  # with commas, or one by one
_Texts = str | Sequence[str]

# The settings that each function takes as keywords, and its command as options.
_ITS_OWN = ("generate.method", "generate.per_target", "generate.probe")  # of `genie generate`
_IMAGES = tuple(key for key in keys("generate", "model") if key not in _ITS_OWN)
_EPISODES = tuple(key for key in _IMAGES if key != "generate.top_k")
GENERATE = keys("generate", "model", "output")
FEWSHOT = (*keys("fewshot"), "data.dir", "data.pool", *_EPISODES)
FINEGRAINED = (*keys("finegrained", "data"), *_EPISODES)
LONGTAIL = (*keys("longtail", "data"), *_IMAGES)


def confuse(
    src_dir: _Path | None = None,
    *,
    from_predictions: _Path | None = None,
    from_logits: _Path | None = None,
    true: _Path | None = None,
    classes: _Path | None = None,
    backbone: str | None = None,
    checkpoint: _Path | None = None,
    folds: int | None = None,
    device: str | None = None,
    observer: Observer | None = None,
) -> Confusion:
    """Measure which classes a classifier confuses with each other (paper, section 4.2).

    From a folder of training images by cross-validation, or from the predictions or logits of any classifier.

    Args:
        src_dir: folder of training images, one subfolder per class.
        from_predictions: or a CSV file with the columns ``true`` and ``predicted``.
        from_logits: or a ``.npy`` file of logits, (images, classes).
        true: with ``from_logits``, the images' classes: ``.csv`` (column ``true``), ``.npy``, or one name per line.
        classes: class names in the order of the columns, one per line; default: sorted.
        backbone: with ``src_dir``, the network that gives the features: ``digits`` (bundled), ``lite0`` (needs no hub),
            ``unisiam-resnet18``, ``-34`` or ``-50``, or a timm model; default: DINOv2 ViT-B/14.
        checkpoint: a file with the backbone's weights.
        folds: each image is classified by a classifier fitted to the other folds; 2 or more, default: 5; fewer if
            a class has fewer images.
        device: ``auto`` (default), ``cpu``, ``cuda``, ``cuda:1``, ``mps``.

    Returns:
        The confusion matrix; ``.write(path, top_k)`` writes `confusion.json`.

    Raises:
        UsageError: none or more than one input was given, an argument would be ignored, or a file cannot be read.
        FolderError: the folder has no class folders, or too few images in a class.
        ModelError: the backbone is missing or does not fit its device.
    """
    from genie_cli.confuse.inputs import BACKBONE, FOLDS, require_one_input

    given = {
        "src_dir": src_dir,
        "from_predictions": from_predictions,
        "from_logits": from_logits,
        "true": true,
        "classes": classes,
        "backbone": backbone,
        "checkpoint": checkpoint,
        "folds": folds,
        "device": device,
    }
    require_one_input({name for name, value in given.items() if value is not None})
    if src_dir is not None:
        from genie_cli.confuse.cross_validation import from_folder

        return from_folder(
            Path(src_dir),
            backbone or BACKBONE,
            _path(checkpoint),
            FOLDS if folds is None else folds,
            device or "auto",
            _listening(observer),
        )
    from genie_cli.confuse import predictions

    if from_predictions is not None:
        return predictions.from_predictions(Path(from_predictions), _path(classes))
    assert from_logits is not None and true is not None  # noqa: S101, PT018 - `require_one_input` has checked
    return predictions.from_logits(Path(from_logits), Path(true), _path(classes))


def generate(
    src_dir: _Path | None = None,
    targets: _Words = (),
    *,
    src_label: str | None = None,
    confusion: Confusion | _Path | None = None,
    plan: _Path | None = None,
    class_names: _Path | None = None,
    shard: tuple[int, int] | str | None = None,
    limit: int | None = None,
    backbone: str | None = None,
    checkpoint: _Path | None = None,
    profile: bool = False,
    settings: Settings | None = None,
    observer: Observer | None = None,
    **options: Any,
) -> Made:
    """Generate images of target classes from photos of other classes (GeNIe), of the same class, or from noise.

    A run that was stopped resumes when the same call is made again: images that exist are not made again.

    Args:
        src_dir: folder of source images, one subfolder per class.
        targets: classes to generate; ``"all"``: every class of the sources.
        src_label: the class of all images in ``src_dir``, if it has no subfolders.
        confusion: draw sources from the classes most confused with each target: what `confuse` returns, or its file.
        plan: instead of sources and targets: generate the jobs of this plan file.
        class_names: a CSV file ``label,words,prompts``: what classes are called in prompts; see `write_class_names`.
        shard: generate only part ``i`` of ``n``, as ``(i, n)`` or ``"i/n"``; all parts share the output folder.
            ``"slurm"``: the part that Slurm's variables say, in a task of a job array.
        limit: generate only the first images of the plan, or of the part.
        backbone: with ``r="adaptive"``, the network by whose features an r is chosen for each image, as in `fewshot`;
            ``src_dir`` must have photos of the targets, too.
        checkpoint: a file with the backbone's weights.
        profile: measure where the time goes; see ``Made.stopwatch``.
        settings: settings in the sections generate, model and output; default: their defaults.
        options: single settings by the name of their option, such as ``r=0.8``, ``steps=20``, ``model="digits"``,
            ``out="made"``, ``format="png"``, ``seed=1``. ``r="adaptive"``: one of .5, .6, .7, .8, .9 for each image.

    Returns:
        What was made, with ``.manifest`` (a path), ``.rows()``, and counts; ``.chosen`` if r was chosen.

    Raises:
        UsageError: arguments contradict each other, or a value is out of range.
        FolderError: the source folder is not there, or has no class folders.
        ModelError: the model is missing, of a kind that does not run, or does not fit its device.
        ManifestError: the plan cannot be read.
        OutputError: the output folder cannot be used, or was made with other settings.
    """
    with planned(
        src_dir,
        targets,
        src_label=src_label,
        confusion=confusion,
        plan=plan,
        class_names=class_names,
        shard=shard,
        limit=limit,
        backbone=backbone,
        checkpoint=checkpoint,
        profile=profile,
        settings=settings,
        observer=observer,
        **options,
    ) as run:
        return run.make()


@contextmanager
def planned(
    src_dir: _Path | None = None,
    targets: _Words = (),
    *,
    src_label: str | None = None,
    confusion: Confusion | _Path | None = None,
    plan: _Path | None = None,
    class_names: _Path | None = None,
    shard: tuple[int, int] | str | None = None,
    limit: int | None = None,
    backbone: str | None = None,
    checkpoint: _Path | None = None,
    profile: bool = False,
    settings: Settings | None = None,
    observer: Observer | None = None,
    **options: Any,
) -> Iterator[Run]:
    """What `generate` would do, as a context manager (``--dry-run``): arguments and errors are the same.

    Yields:
        The run: iterate over ``.jobs``, write ``.lines()`` to a plan file, ask for an ``.estimate()`` of time and disk
        space, or ``.make()`` the images. With ``r="adaptive"`` jobs and lines follow from probes, which are made then.
    """
    from genie_cli.generate import shards
    from genie_cli.generate.adaptive import AdaptiveRun, Chooser
    from genie_cli.generate.run import prepared

    chooser = Chooser.asked_for(options.get("r"), backbone, _path(checkpoint))
    options |= {"r": ADA_RATIOS} if chooser else {}
    chosen, given = override(settings or Settings(), options, GENERATE)
    request = PlanRequest(
        src_dir=_path(src_dir),
        src_label=src_label,
        targets=_targets(targets),
        confusion=_confusion(confusion),
        plan=None if plan is None else str(plan),
        names=_class_names(class_names),
    )
    index, count = shards.parse(shard) if isinstance(shard, str) else shards.checked(*(shard or (1, 1)))
    share = shards.Share(index, count, limit)
    if chooser:
        chooser.check(chosen, share, plan=plan is not None, profiled=profile)
    with prepared(request, chosen, given, _listening(observer), share, profile) as run:
        yield AdaptiveRun.of(run, chooser) if chooser else run


def write_class_names(
    path: _Path,
    src_dir: _Path | None = None,
    targets: _Words = (),
    *,
    src_label: str | None = None,
    class_names: _Path | None = None,
) -> int:
    """Write what the classes of a source folder, and the targets, are called in prompts: a file to be edited.

    Args:
        path: the CSV file to write, ``label,words,prompts``; it must not exist. `generate` takes it as ``class_names``.
        src_dir, targets, src_label: as for `generate`.
        class_names: an earlier file, whose content is kept.

    Returns:
        The number of classes.

    Raises:
        UsageError: there is no class, or a target could mean several.
        FolderError: the source folder is not there, or has no class folders.
        OutputError: the file exists, or cannot be written.
    """
    from genie_cli.data import class_names as files
    from genie_cli.generate.request import named_classes

    names = _class_names(class_names)
    request = PlanRequest(src_dir=_path(src_dir), src_label=src_label, targets=_targets(targets), names=names)
    return files.write(Path(path), named_classes(request), names)


def status(
    out: _Path = "genie-out",
    *,
    rebuild: bool = False,
    check: bool = False,
    observer: Observer | None = None,
) -> FolderStatus:
    """How far the runs in an output folder are: what is made, missing, failed, and the command that makes the rest.

    Args:
        out: the folder of a run of `generate`.
        rebuild: first write a manifest that was lost or damaged anew, from the records in the images.
        check: compare the content of each image with the manifest.

    Returns:
        ``.counts`` by target and r, ``.commands``, ``.notes``; ``.rebuilt`` says what no image could tell.

    Raises:
        OutputError: there is no run in the folder, or its manifest was lost; or it is whole, and was to be rebuilt.
        ManifestError: the manifest is not genie's, or is damaged.
    """
    from genie_cli.generate.rebuild import rebuild as rebuild_manifest
    from genie_cli.generate.status import status as status_of

    observer = _listening(observer)
    rebuilt = rebuild_manifest(Path(out), observer) if rebuild else None
    return status_of(Path(out), observer, check=check, rebuilt=rebuilt)


def judge(
    manifest: _Path,
    *,
    oracle: str | None = None,
    checkpoint: _Path | None = None,
    device: str = "auto",
    class_map: _Path | None = None,
    candidates: str = "all",
    min_confidence: float = 0.0,
    consistent_only: bool = False,
    soft_labels: bool = False,
    observer: Observer | None = None,
) -> Judged:
    """Ask a classifier whether each image shows its label, and measure how similar it still is to its source.

    The command is ``genie oracle`` (paper, section 4.4).

    Args:
        manifest: a manifest, the folder of a run, or ``"-"`` for standard input.
        oracle: the classifier: ``digits`` (bundled), ``lite0`` (ImageNet, without a hub), or a timm model;
            default: ``digits`` for images of the bundled model, else the paper's DeiT-Base.
        checkpoint: a file with the classifier's weights.
        class_map: a CSV file ``label,class`` that says which class of the oracle a label means.
        candidates: the labels that are compared: ``all``, ``target,source`` or ``episode`` (the manifest's targets).
        min_confidence: lowest accepted probability of the target, 0..1.
        consistent_only: accept only images whose target is the top class.
        soft_labels: add the probabilities of all classes to each row.

    Returns:
        The judged manifest, with ``.rows()``, ``.summary``, and ``.write(path)``.

    Raises:
        ManifestError: not a manifest, or none of its images was made.
        UsageError: the classifier does not know a label; the message lists similar ones.
        ImageError: an image or a source is missing or has changed.
        ModelError: the classifier is missing or does not fit its device.
    """
    from genie_cli.oracle.candidates import Candidates
    from genie_cli.oracle.judge import AcceptanceRule, prepare
    from genie_cli.oracle.judge import judge as judge_images

    observer = _listening(observer)
    rule = AcceptanceRule(Candidates.parse(candidates), min_confidence, consistent_only, soft_labels)
    images, backbone, classes = prepare(manifest, oracle, _path(checkpoint), device, _path(class_map), observer)
    return judge_images(images, backbone, classes, rule, observer)


def select(
    manifest: _Path,
    *,
    keep: _Path | None = None,
    verdict: _Words = (),
    min_confidence: float | None = None,
    source_similarity: tuple[float, float] | None = None,
    hardness: tuple[float, float] | None = None,
    held_out: _Path | None = None,
    distinct: bool = False,
    per_target: int | None = None,
    balanced: bool = False,
    backbone: str | None = None,
    checkpoint: _Path | None = None,
    device: str | None = None,
    observer: Observer | None = None,
) -> Selected:
    """Keep the images that meet conditions, of those that `judge` has judged and accepted.

    Conditions are applied in the order of the arguments, each to the images that are left.

    Args:
        manifest: a manifest, the folder of a run, or ``"-"`` for standard input.
        keep: a manifest, or a text file of job ids, one per line: the only images to keep.
        verdict: the verdicts to keep: ``hard negative``, ``easy (source lost)``, ``mislabelled``, ``correctly
            labelled``, or how these begin.
        min_confidence: lowest probability of the target, 0..1.
        source_similarity: lowest and highest similarity to the source, 0..1.
        hardness: quantiles of hardness within each target, such as ``(.25, .75)``.
        held_out: a folder of test or query images: no image may be a near-duplicate of one, or be made from one.
        distinct: of near-duplicates of one target keep the best.
        per_target: number of images to keep of each target, the best: those with the highest probability of it.
        balanced: keep as many of each target as there are of the one with the fewest.
        backbone: with ``distinct`` or ``held_out``, the network by whose features images are compared; default:
            ``digits`` for images of the bundled model, else the paper's DeiT-Base.
        checkpoint: a file with the backbone's weights.
        device: ``auto`` (default), ``cpu``, ``cuda``, ``cuda:1``, ``mps``.

    Returns:
        What was selected, with ``.rows()``, ``.counts``, ``.by_target()``, ``.by_r()``, ``.leaks``, and
        ``.write(path)``.

    Raises:
        ManifestError: not a manifest, none of its images was made, or some were not judged.
        UsageError: a value is out of range, an argument would be ignored, or no image was judged.
        FolderError: the folder of held-out images has none.
        ImageError: an image or a source is missing or has changed.
        ModelError: the backbone is missing or does not fit its device.
    """
    from genie_cli.oracle import near_duplicates
    from genie_cli.oracle.conditions import Band, Condition, Conditions
    from genie_cli.oracle.keep import read_ids
    from genie_cli.oracle.manifests import read_images
    from genie_cli.oracle.select import select as select_images
    from genie_cli.oracle.verdict import Verdict

    observer = _listening(observer)
    conditions = Conditions(
        keep=None if keep is None else read_ids(Path(keep)),
        verdict=tuple(map(Verdict.parse, _words(verdict))),
        min_confidence=min_confidence,
        source_similarity=Band.of(Condition.SOURCE_SIMILARITY, source_similarity),
        hardness=Band.of(Condition.HARDNESS, hardness),
        held_out=held_out is not None,
        distinct=distinct,
        per_target=per_target,
        balanced=balanced,
    )
    near_duplicates.require_used({"backbone": backbone, "checkpoint": checkpoint, "device": device}, conditions)
    images = read_images(manifest)
    conditions.require_met_by(images)
    near = None
    if conditions.needs_features:
        near = near_duplicates.prepare(images, _path(held_out), backbone, _path(checkpoint), device or "auto", observer)
    return select_images(images, conditions, near, observer)


def export(
    manifest: _Path,
    out: _Path,
    *,
    format: str = "imagefolder",  # noqa: A002 - as the option
    with_: _Path | None = None,
    license: str = "",  # noqa: A002 - as the option
    observer: Observer | None = None,
) -> Exported:
    """Make a data set of generated images, and perhaps one's own photos, that other libraries and the Hub read.

    An export that was stopped resumes when the same call is made again.

    Args:
        manifest: a manifest, the folder of a run, or ``"-"`` for standard input. Images that were rejected, or not
            selected, are left out.
        out: folder for the set; new, or empty.
        format: ``imagefolder`` (hard links where the file system can, else copies), ``webdataset`` or ``parquet``.
        with_: folder of one's own photos, one subfolder per class, which the set has, too.
        license: the Hub's identifier of a licence, such as ``cc-by-4.0``; default: to be filled in.

    Returns:
        What was exported, with ``.root``, ``.tally`` (counts), ``.loading`` (lines that load it), ``.upload``.

    Raises:
        ManifestError: not a manifest, or none of its images was made and accepted.
        UsageError: there is no such form, a package for it is missing, or the images are probes.
        ImageError: a generated image, or the source of one, is missing or has changed.
        FolderError: the folder of photos has no class folders.
        OutputError: ``out`` holds something else, or cannot be written.
    """
    from genie_cli.export.export import export as export_images
    from genie_cli.export.export import form_named

    form = form_named(format)
    return export_images(manifest, Path(out), form, _path(with_), license, _listening(observer))


def unpack(
    files: _Paths,
    out: _Path,
    *,
    label: str | None = None,
    observer: Observer | None = None,
) -> Unpacked:
    """Make class folders of images that are packed into files of arrays or archives.

    Nothing in a pickle is run: arrays and plain values are read, all else is refused. What was stopped resumes when the
    same call is made again.

    Args:
        files: pickles and ``.npz`` of arrays, Parquet of the Hub, or tar archives of WebDataset; ``genie unpack
            --help`` has the layouts.
        out: folder for the class folders; new, or one where this was begun.
        label: key, column or field with the labels; default: one of those that are known.

    Returns:
        What was unpacked, with ``.root``, ``.images`` (how many of each class), ``.left_out``.

    Raises:
        UsageError: a file cannot be read, has no images with labels, or a package for it is missing.
        OutputError: ``out`` holds something else, or cannot be written.
    """
    from genie_cli.unpack.unpack import unpack as unpack_files

    return unpack_files([Path(name) for name in _names(files)], Path(out), label, _listening(observer))


def gallery(
    manifest: _Path,
    *,
    out: _Path = "gallery",
    confusion: Confusion | _Path | None = None,
    results: _Paths = (),
    backbone: str | None = None,
    checkpoint: _Path | None = None,
    device: str = "auto",
    observer: Observer | None = None,
) -> Gallery:
    """Make a page that shows every row of a manifest, with figures, and opens in a browser without a server.

    Args:
        manifest: a manifest, the folder of a run, or ``"-"`` for standard input.
        out: folder for the page; new, empty, or with an earlier gallery, which is made anew.
        confusion: a matrix to show: what `confuse` returns, or its file.
        results: folders of results of `fewshot`, `finegrained` or `longtail` to show.
        backbone: network of the map of images, as in `select`; default: the bundled one for images of the bundled
            model, else there is no map.
        checkpoint: a file with the backbone's weights.
        device: where the backbone runs.

    Returns:
        What was made, with ``.page``, ``.address``, ``.rows``, ``.missing``.

    Raises:
        ManifestError: not a manifest, or it has no rows; or a file of results has a bad line.
        UsageError: its images are probes; a folder has no results; or there is no such backbone.
        ModelError: the backbone is missing, damaged, or does not fit its device.
        OutputError: ``out`` holds something else, or cannot be written.
    """
    from genie_cli.gallery import items
    from genie_cli.gallery.figures.collect import Asked
    from genie_cli.gallery.gallery import make

    folders = tuple(Path(name) for name in _names(results))
    asked = Asked(_confusion(confusion), folders, backbone, _path(checkpoint), device)
    return make(items.read(manifest), Path(out), asked, _listening(observer))


def figure(
    manifest: _Path,
    kind: str,
    out: _Path,
    *,
    backbone: str | None = None,
    checkpoint: _Path | None = None,
    device: str = "auto",
    observer: Observer | None = None,
) -> Path:
    """Draw a figure of generated images for a paper (``genie gallery --figure``).

    Args:
        manifest: as in `gallery`.
        kind: ``grid`` (sources and what they become under each target; the paper's Fig. 1), ``sweep`` (what they become
            as r rises; Figs. 2 and 3) or ``map`` (real and generated images in a backbone's features; Fig. 4).
        out: file to write, as PNG, SVG or PDF by its suffix; a figure that genie drew is replaced.
        backbone, checkpoint, device: of the map; as in `gallery`.

    Returns:
        ``out``.

    Raises:
        UsageError: there is no such figure, nothing to draw, or a package for it is missing.
        ManifestError, ModelError: as `gallery`.
        OutputError: another file is there, or it cannot be written.
    """
    from genie_cli.gallery import items
    from genie_cli.gallery.figures.collect import Asked
    from genie_cli.gallery.plots.draw import draw
    from genie_cli.gallery.plots.kind import kind_named

    asked = Asked(backbone=backbone, checkpoint=_path(checkpoint), device=device)
    draw(items.read(manifest), kind_named(kind), Path(out), asked, _listening(observer))
    return Path(out)


def fewshot(
    dataset: str = "digits",
    *,
    augment: _Words = (),
    manifest: _Paths = (),
    episode_list: _Paths = (),
    backbone: str | None = None,
    checkpoint: _Path | None = None,
    partial: bool = False,
    soft_labels: bool = False,
    baseline: str | None = None,
    compare: _Texts = (),
    as_authors: bool = False,
    class_names: _Path | None = None,
    out: _Path = "genie-fewshot",
    settings: Settings | None = None,
    observer: Observer | None = None,
    **options: Any,
) -> FewShotRecords:
    """Compare augmentations in few-shot classification (paper, section 4.1; Tables 1, 2, 5 and 6).

    Generates the images that the episodes need, unless manifests have them, and compares all augmentations on the
    same episodes. A run that was stopped resumes when the same call is made again.

    Args:
        dataset: ``digits`` (bundled), ``digits-spurious-background``, ``digits-spurious-ink``,
            ``digits-negatives``, ``mini``, ``tiered``, or ``folder``, any folder with one subfolder per class.
        augment: what to compare: none, weak, strong, cutmix, mixup, img2img-l, img2img-h, txt2img, genie, genie-ada,
            and controls: repeat, paste, img2img, txt2img-paste, genie-ada-random. Default: the first nine.
        manifest: use the generated images of these manifests.
        episode_list: run these episodes, files of an earlier run.
        backbone: ``digits`` (bundled), ``lite0`` or ``lite0-64`` (no hub), ``unisiam-resnet18``, ``-34`` or ``-50``, or
            a timm model.
        checkpoint: a file with the backbone's weights.
        partial: accept an incomplete data set.
        soft_labels: train with the oracle's probabilities as labels.
        baseline: the augmentation that the others are compared with, such as ``"genie r=0.8"``; default: weak.
        compare: pairs of augmentations whose paired difference is wanted, each as ``"genie r=0.8,txt2img"``.
        as_authors: do what the authors' code does where it differs from the paper's text.
        class_names: a CSV file ``label,words,prompts``: what classes are called in prompts; see
            `write_dataset_class_names`.
        out: folder for results, episode lists, predictions and generated images.
        settings: settings in the sections fewshot, data, generate and model.
        options: single settings by the name of their option, such as ``shots=1``, ``episodes=100``, ``r=[0.6, 0.8]``,
            ``data_dir="mini"``, ``model="digits"``.

    Returns:
        A list of one record per augmentation and number of shots; accuracies in percent. ``pandas.DataFrame(records)``
        is the table. Its attribute ``comparisons`` has the differences that were asked for.

    Raises:
        UsageError: arguments contradict each other, or a value is out of range.
        FolderError: the data set is missing or incomplete.
        ModelError: a model is missing or does not fit its device.
        OutputError: the output folder cannot be used.
    """
    from genie_cli.fewshot.task import FEWSHOT as TASK

    return _on_episodes(
        TASK,
        override(settings or Settings(), options, FEWSHOT),
        observer,
        dataset=dataset,
        out=out,
        augment=augment,
        manifest=manifest,
        episode_list=episode_list,
        backbone=backbone,
        checkpoint=checkpoint,
        partial=partial,
        soft_labels=soft_labels,
        baseline=baseline,
        compare=compare,
        as_authors=as_authors,
        class_names=class_names,
    )


def finegrained(
    dataset: str = "digits",
    *,
    augment: _Words = (),
    manifest: _Paths = (),
    episode_list: _Paths = (),
    backbone: str | None = None,
    checkpoint: _Path | None = None,
    partial: bool = False,
    soft_labels: bool = False,
    baseline: str | None = None,
    compare: _Texts = (),
    class_names: _Path | None = None,
    out: _Path = "genie-finegrained",
    settings: Settings | None = None,
    observer: Observer | None = None,
    **options: Any,
) -> FewShotRecords:
    """Compare augmentations in few-shot classification of fine-grained classes (paper, section 4.3; Table 4).

    Support images come from the training split; the accuracy is that on the test split. Arguments, return value and
    errors are those of `fewshot`, except:

    Args:
        dataset: ``digits`` (bundled), ``cub``, ``cars``, ``food``, ``aircraft``, or ``folder``, any folder with
            ``train/`` and ``test/``.
        augment: default: weak, img2img-l, img2img-h, txt2img, genie.
        backbone: default: the paper's DINOv2 ViT-G/14; ``digits`` for the digits.
        settings: settings in the sections finegrained, data, generate and model.
    """
    from genie_cli.fewshot.task import FINEGRAINED as TASK

    return _on_episodes(
        TASK,
        override(settings or Settings(), options, FINEGRAINED),
        observer,
        dataset=dataset,
        out=out,
        augment=augment,
        manifest=manifest,
        episode_list=episode_list,
        backbone=backbone,
        checkpoint=checkpoint,
        partial=partial,
        soft_labels=soft_labels,
        baseline=baseline,
        compare=compare,
        class_names=class_names,
    )


def longtail(
    dataset: str = "digits",
    *,
    augment: _Words = (),
    manifest: _Paths = (),
    lists: _Path | None = None,
    confusion: Confusion | _Path | None = None,
    backbone: str | None = None,
    checkpoint: _Path | None = None,
    partial: bool = False,
    soft_labels: bool = False,
    compare: _Words = (),
    class_names: _Path | None = None,
    out: _Path = "genie-longtail",
    settings: Settings | None = None,
    observer: Observer | None = None,
    **options: Any,
) -> LongTailRecords:
    """Compare what generated images do for the rare classes of a long-tailed data set (paper, section 4.2; Table 3).

    Generates images for the Few classes, unless manifests have them, and trains a classifier with each augmentation
    and seed by LiVT's recipe. A run that was stopped resumes when the same call is made again.

    Args:
        dataset: ``digits`` (bundled), ``imagenet-lt``, or ``folder``, any folder with ``train/`` and ``test/``.
        augment: what to compare: none, repeat, img2img-l, img2img-h, txt2img, genie (default: all these), img2img.
        manifest: use the generated images of these manifests.
        lists: the folder of ImageNet-LT's lists, if they do not lie with the images.
        confusion: which classes are confused with each other: what `confuse` returns, or its file; default: measured
            with ``backbone``.
        backbone: the network to measure that with; default: DINOv2 ViT-B/14, ``digits`` for the digits.
        checkpoint: a file of weights to start training from, such as LiVT's or MAE's; default: timm's if ``network``
            has a tag, else random weights.
        compare: pairs of augmentations, such as ``["genie r=0.8,txt2img"]``: the paired difference, first less second.
        partial, soft_labels, class_names, out: as in `fewshot`.
        settings: settings in the sections longtail, data, generate and model.
        options: single settings by the name of their option, such as ``epochs=10``, ``seeds=[0]``, ``per_class=20``.

    Returns:
        One record per training, and after those of an augmentation their mean; accuracies in percent. The list's
        ``comparisons`` has a record for each pair and group; its ``trained`` can be compared together with that of
        other runs, by `longtail.compare.pooled`.

    Raises:
        UsageError, FolderError, ModelError, OutputError: as `fewshot`.
    """
    from genie_cli.longtail.options import LongTailOptions
    from genie_cli.longtail.prepare import prepare

    chosen, given = override(settings or Settings(), options, LONGTAIL)
    asked = LongTailOptions(
        dataset=dataset,
        out=Path(out),
        augment=_words(augment),
        lists=_path(lists),
        manifests=_names(manifest),
        confusion=_confusion(confusion),
        backbone=backbone,
        checkpoint=_path(checkpoint),
        partial=partial,
        soft_labels=soft_labels,
        compare=tuple(_texts([compare] if isinstance(compare, str) else compare)),
        names=_class_names(class_names),
    )
    return prepare(asked, chosen, given, _listening(observer)).evaluate()


def write_dataset_class_names(
    path: _Path,
    benchmark: str,
    dataset: str = "digits",
    *,
    lists: _Path | None = None,
    partial: bool = False,
    class_names: _Path | None = None,
    settings: Settings | None = None,
    observer: Observer | None = None,
    **options: Any,
) -> int:
    """Write what the classes of a data set are called in prompts: a file to be edited, for `fewshot` and the like.

    Args:
        path: the CSV file to write, ``label,words,prompts``; it must not exist.
        benchmark: ``fewshot``, ``finegrained`` or ``longtail``, whose ``dataset`` it is.
        lists, partial: as for `longtail`.
        class_names: an earlier file, whose content is kept.
        settings: settings in the section data.
        options: single settings by the name of their option: ``data_dir="mini"``.

    Returns:
        The number of classes.

    Raises:
        UsageError: there is no such data set, or an argument is of no use to it.
        FolderError: the data set is missing or incomplete.
        OutputError: the file exists, or cannot be written.
    """
    from genie_cli.evaluate.obtain import write_names

    chosen, _ = override(settings or Settings(), options, keys("data"))
    names = _class_names(class_names)
    return write_names(
        Path(path), benchmark, dataset, chosen.data, _path(lists), names, _listening(observer), partial=partial
    )


def _on_episodes(
    task: Task,
    chosen: tuple[Settings, frozenset[str]],
    observer: Observer | None,
    *,
    out: _Path,
    augment: _Words,
    manifest: _Paths,
    episode_list: _Paths,
    checkpoint: _Path | None,
    compare: _Texts,
    class_names: _Path | None,
    **rest: Any,
) -> FewShotRecords:
    """What `fewshot` and `finegrained` do: they differ in their task and its section of the settings."""
    from genie_cli.fewshot.options import FewShotOptions
    from genie_cli.fewshot.prepare import prepare

    asked = FewShotOptions(
        out=Path(out),
        augment=_words(augment),
        manifests=_names(manifest),
        episode_lists=tuple(map(Path, _names(episode_list))),
        checkpoint=_path(checkpoint),
        compare=tuple(_texts([compare] if isinstance(compare, str) else compare)),
        names=_class_names(class_names),
        **rest,
    )
    return prepare(task, asked, *chosen, _listening(observer)).evaluate()


def _path(path: _Path | None) -> Path | None:
    return None if path is None else Path(path)


def _targets(given: _Words) -> tuple[str, ...]:
    return tidy_names(_words(given) if isinstance(given, str) else _texts(given))


def _class_names(path: _Path | None) -> ClassNames:
    return read_if_given(_path(path))


def _confusion(given: Confusion | _Path | None) -> Confusion | None:
    return given if given is None or isinstance(given, Confusion) else Confusion.read(Path(given))


def _words(given: _Words) -> tuple[str, ...]:
    """Names, given one by one or as text with commas."""
    return tuple(split_list(_texts([given] if isinstance(given, str) else given)) or ())


def _texts(given: Sequence[str]) -> Sequence[str]:
    """The same, if it is a list of names; a program may pass anything."""
    names = list(given) if isinstance(given, Iterable) else None
    if names is None or not all(isinstance(name, str) for name in names):
        raise UsageError(f"a name or a list of names is expected, not {given!r}")
    return names


def _listening(observer: Observer | None) -> Observer:
    if observer is not None and not isinstance(observer, Observer):
        raise UsageError(f"observer must be an Observer, not {observer!r}", "see genie_cli.observer.Observer")
    return observer or Observer()


def _names(given: _Paths) -> tuple[str, ...]:
    """Paths, of which a single one may stand for a list."""
    return (str(given),) if isinstance(given, (str, Path)) else tuple(map(str, given))
