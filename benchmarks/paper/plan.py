"""Every command of the benchmark, stage by stage.

A pool is one painting of the digits with its own noise: `--pool` and `--seed` have its number. The stages of one data
set and pool share a folder, and with it the images and the predictions that are there already.
"""

from __future__ import annotations

from dataclasses import replace

from benchmarks.paper.steps import Step

POOLS = (1, 2, 3, 4, 5)
BACKBONES = {"digits": "", "lite0-64": "-lite0"}  # and what is appended to the names of their folders
EPISODES = 600  # of each pool and number of shots
PLAIN, TIED, INK, NEGATIVES = "digits", "digits-spurious-background", "digits-spurious-ink", "digits-negatives"
KINDS = "kinds"  # the folders of `genie finegrained`

USUAL = "none,weak,strong,cutmix,mixup,img2img-l,img2img-h,txt2img,genie"
GENIE, TXT2IMG = "genie r=0.8", "txt2img"  # labels
PRIMARY = "weak,txt2img,genie"
TABLE = "none,weak,strong,repeat,paste,img2img-l,img2img-h,img2img,txt2img,txt2img-paste,genie"
TIED_TABLE = "none,weak,repeat,paste,img2img,txt2img,txt2img-paste,genie"
KINDS_TABLE = "none,weak,repeat,paste,img2img-h,txt2img,txt2img-paste,genie"
MIXED = "weak,cutmix,mixup"  # 90,000 mixed images, which no cache keeps
RATIOS = "weak,genie,genie-ada,genie-ada-random"
SWEEP = ("--r", "0.5,0.6,0.7,0.8,0.9")
LONG_TAIL = "none,repeat,img2img-l,img2img-h,img2img,txt2img,genie"
ORACLE = {"consistent": "--consistent-only", "soft": "--soft-labels"}  # folders, and what the oracle is asked for
COUNTS, MOST = (1, 2, 4), 8  # generated images per class, of the curve
BANDS = ("0,0.33", "0.33,0.67", "0.67,1")  # quantiles of hardness; the hardest are most similar to their sources
# What is described only, not tested, is run on fewer pools, so that all of it takes less than three hours on two cores.
SECONDARY_POOLS, RATIO_POOLS, FEW_POOLS = POOLS[:3], POOLS[:2], POOLS[:1]


def folder(data: str, pool: int, backbone: str = "digits") -> str:
    """The folder of the results of a data set and pool with a backbone."""
    return f"{data}-{pool}{BACKBONES[backbone]}"


def stages() -> dict[str, list[Step]]:
    """The steps by stage, in the order in which they are run: what was asked beforehand comes first.

    A step that writes to a folder follows all earlier ones that write to it or read it.
    """
    users: dict[str, list[str]] = {}
    found: dict[str, list[Step]] = {}
    for stage, steps in _stages().items():
        found[stage] = []
        for step in steps:
            before = dict.fromkeys((*step.after, *users.get(step.out, ())))
            found[stage].append(replace(step, after=tuple(before)))
            users[step.out] = [step.name]
            for folder_read in step.reads:
                users.setdefault(folder_read, []).append(step.name)
    return found


def _stages() -> dict[str, list[Step]]:
    return {
        "primary": [
            step for pool in POOLS for data in (PLAIN, TIED) for step in _fewshot("first", data, pool, PRIMARY)
        ],
        "table": [step for pool in POOLS for step in _fewshot("table", PLAIN, pool, TABLE)],
        "mixed": [step for pool in FEW_POOLS for step in _mixed(pool)],
        "ratios": [step for pool in RATIO_POOLS for step in _fewshot("ratios", PLAIN, pool, RATIOS, *SWEEP)],
        "oracle": [step for pool in FEW_POOLS for how in ORACLE for step in _oracle(pool, how)],
        "tied": [step for pool in SECONDARY_POOLS for step in _fewshot("tied", TIED, pool, TIED_TABLE)],
        "ink": [step for pool in SECONDARY_POOLS for step in _with_txt2img_of_plain("ink", INK, pool)],
        "negatives": [
            step for pool in SECONDARY_POOLS for step in _with_txt2img_of_plain("negatives", NEGATIVES, pool)
        ],
        "kinds": [step for pool in SECONDARY_POOLS for step in _kinds(pool)],
        "probe": [_probe(pool) for pool in RATIO_POOLS],
        "counts": [step for pool in FEW_POOLS for step in _counts(pool)],
        "hardness": [step for pool in FEW_POOLS for step in _hardness(pool)],
        "authors": [step for pool in FEW_POOLS for step in _authors(pool)],
        "long-tail": [_long_tail(pool) for pool in POOLS],
    }


def _fewshot(stage: str, data: str, pool: int, augment: str, *more: str) -> list[Step]:
    """One pool with the bundled encoder, for which the images are made, and with the other one."""
    return _with_both(stage, data, pool, ("fewshot", *_asked(data, pool, augment), *more))


def _mixed(pool: int) -> list[Step]:
    """What mixes real images, which are not generated."""
    command = ("fewshot", *_asked(PLAIN, pool, MIXED))
    return [
        Step(f"mixed-{pool}{suffix}", (*command, "--backbone", backbone, "--out", folder(PLAIN, pool, backbone)))
        for backbone, suffix in BACKBONES.items()
    ]


def _oracle(pool: int, how: str) -> list[Step]:
    """GeNIe at each r with the images that the oracle accepts, or with its probabilities as labels."""
    judged, judging = f"{how}-{pool}.jsonl", f"oracle-{how}-{pool}"
    steps = [
        Step(
            judging,
            ("oracle", f"{folder(PLAIN, pool)}/images", ORACLE[how], "--out", judged),
            (f"ratios-{PLAIN}-{pool}",),
        )
    ]
    command = ("fewshot", *_asked(PLAIN, pool, "weak,genie"), *SWEEP, "--manifest", judged)
    command += ("--soft-labels",) if how == "soft" else ()
    for backbone in BACKBONES:
        there = ("--backbone", backbone, "--out", folder(how, pool, backbone))
        steps.append(Step(f"{judging}-{backbone}", (*command, *there), (judging,)))
    return steps


def _with_txt2img_of_plain(stage: str, data: str, pool: int) -> list[Step]:
    """Only GeNIe's images are made: Txt2Img has no sources, so that its images are those of the plain digits."""
    made, plain = folder(data, pool), folder(PLAIN, pool)
    first = f"{stage}-{pool}"
    steps = [Step(first, ("fewshot", *_asked(data, pool, "genie"), "--out", made))]
    command = ("fewshot", *_asked(data, pool, PRIMARY), "--manifest", f"{made}/images,{plain}/images")
    for backbone in BACKBONES:
        there = ("--backbone", backbone, "--out", folder(data, pool, backbone))
        steps.append(Step(f"{first}-{backbone}", (*command, *there), (first, f"first-{PLAIN}-{pool}")))
    return steps


def _asked(data: str, pool: int, augment: str, episodes: int = EPISODES) -> tuple[str, ...]:
    numbers = ("--pool", str(pool), "--seed", str(pool), "--episodes", str(episodes))
    return "--dataset", data, *numbers, "--augment", augment


def _with_both(stage: str, name: str, pool: int, command: tuple[str, ...]) -> list[Step]:
    first, made = f"{stage}-{name}-{pool}", folder(name, pool)
    steps = [Step(first, (*command, "--out", made))]
    for backbone in [backbone for backbone in BACKBONES if backbone != "digits"]:
        there = ("--backbone", backbone, "--manifest", f"{made}/images", "--out", folder(name, pool, backbone))
        steps.append(Step(f"{first}-{backbone}", (*command, *there), (first,)))
    return steps


def _kinds(pool: int) -> list[Step]:
    return _with_both("all", KINDS, pool, ("finegrained", *_asked(PLAIN, pool, KINDS_TABLE, episodes=100)))


def _probe(pool: int) -> Step:
    command = ("fewshot", *_asked(PLAIN, pool, "genie-ada"), "--ada", "probe", "--out", folder(PLAIN, pool))
    return Step(f"probe-{pool}", command, (f"ratios-{PLAIN}-{pool}",))


def _counts(pool: int) -> list[Step]:
    """Accuracy over the number of generated images per class; the most are made first, and others are among them."""
    asked = ("fewshot", *_asked(PLAIN, pool, "repeat,txt2img,genie"))
    most = f"counts-{MOST}-{pool}"
    steps = [Step(most, (*asked, "--added", str(MOST), "--out", most))]
    for backbone, suffix in BACKBONES.items():
        for count in (*COUNTS, MOST):
            name = f"counts-{count}-{pool}{suffix}"
            if name != most:
                how = ("--added", str(count), "--backbone", backbone, "--manifest", f"{most}/images", "--out", name)
                steps.append(Step(name, (*asked, *how), (most,)))
    return steps


def _hardness(pool: int) -> list[Step]:
    """Accuracy over bands of hardness, each a third of the most images of `_counts` whose labels are right."""
    most, judged = f"counts-{MOST}-{pool}", f"judged-{pool}.jsonl"
    steps = [Step(f"judged-{pool}", ("oracle", f"{most}/images", "--out", judged), (most,))]
    for band in BANDS:
        name = hardness_folder(band, pool)
        selected, selecting = f"{name}.jsonl", f"select-{name}"
        chosen = ("--verdict", "hard,easy", "--hardness", band, "--out", selected)
        steps.append(Step(selecting, ("select", judged, *chosen), (f"judged-{pool}",)))
        for backbone, suffix in BACKBONES.items():
            how = ("--added", str(MOST), "--backbone", backbone, "--manifest", selected, "--out", f"{name}{suffix}")
            steps.append(Step(f"{name}{suffix}", ("fewshot", *_asked(PLAIN, pool, "genie"), *how), (selecting,)))
    return steps


def hardness_folder(band: str, pool: int | None = None) -> str:
    """The folder of the results with a band of hardness; without a pool, how those of all pools begin."""
    name = f"hardness-{band.replace(',', '-')}"
    return name if pool is None else f"{name}-{pool}"


def _authors(pool: int) -> list[Step]:
    return _with_both("all", "authors", pool, ("fewshot", *_asked(PLAIN, pool, USUAL), "--as-authors"))


def _long_tail(pool: int) -> Step:
    """One training of each augmentation: data, generated images and the training's seed differ between pools."""
    how = ("--pool", str(pool), "--seed", str(pool), "--seeds", str(pool), "--augment", LONG_TAIL)
    return Step(f"long-tail-{pool}", ("longtail", *how, "--out", f"long-tail-{pool}"))
