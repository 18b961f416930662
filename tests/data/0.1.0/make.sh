#!/usr/bin/env bash
# Makes what is beside this file, in a new folder, with the genie that is installed: bash make.sh /tmp/genie-0.1.0
set -euo pipefail
mkdir "$1"
cd "$1"
export XDG_CACHE_HOME=$PWD/cache OMP_NUM_THREADS=1
model=(--model digits --steps 2 --slots 2 --device cpu)
few=(--dataset folder --data-dir photos --backbone digits --ways 2 --shots 1 --queries 1 --episodes 2)
training=(--network test_resnet --epochs 1 --warmup-epochs 0 --batch 4 --num-workers 0)

# Three photos of each of three classes, a data set of two splits, a file of arrays, and predictions of another program.
python - <<'EOF'
from pathlib import Path

import numpy as np

from genie_cli.data.digits.paint import CLASSES, DigitsInTheWild

three = [number for number, name in enumerate(CLASSES) if name in ("three", "seven", "eight")]
for folder, places in {"photos": range(3), "split/train": range(3, 5), "split/test": range(5, 6)}.items():
    DigitsInTheWild("test").save_samples(Path(folder), [place * 10 + number for place in places for number in three])
np.savez_compressed("packed.npz", images=np.eye(12, dtype=np.uint8).reshape(3, 4, 4, 3) * 255, labels=["a", "b", "a"])
EOF
printf 'true,predicted\nthree,seven\nthree,three\nseven,three\neight,three\n' > predictions.csv
printf 'label,words,prompts\nthree,three,a photo of the digit {target}\n' > names.csv

# A run that has grown by a noise ratio, and one that was killed.
made=(generate "${model[@]}" --src-dir photos --targets 'three,seven' --per-target 3 --class-names names.csv --out made)
genie "${made[@]}" --r 0.8
genie "${made[@]}" --r 0.8,1
genie generate "${model[@]}" --src-dir photos --targets eight --per-target 2 --r 1 --dry-run > plan.jsonl
genie generate "${model[@]}" --src-dir photos --targets eight --per-target 4 --r 1 --out killed &
until [ -s killed/.genie/journal.jsonl ] && [ "$(wc -l < killed/.genie/journal.jsonl)" -gt 1 ]; do sleep 0.01; done
kill -9 $!
wait $! || true

# What other commands make of it.
genie oracle made --write-class-map classes.csv
genie oracle made --soft-labels --class-map classes.csv --out made/judged.jsonl
genie select made/judged.jsonl --verdict hard,easy --out made/selected.jsonl
genie export made/selected.jsonl --with photos --out exported
genie confuse --from-predictions predictions.csv --out confusion.json
genie unpack packed.npz --out unpacked
genie fewshot "${few[@]}" --augment weak,genie "${model[@]}" --r 1 --compare 'genie r=1,weak' --out fewshot
genie longtail --dataset folder --data-dir split --augment none --seeds 0 "${training[@]}" --out longtail
genie init --out genie.toml

# Nothing reads these again: the picture of the matrix, and weights of 1.5 MB. Locks are made anew.
rm confusion.png longtail/trainings/*/network.safetensors
find . -name '*.lock' -delete
