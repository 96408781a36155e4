#!/bin/sh
# The ten models of the 2021 submission on your ImageNet images: a search, and its report.
#   studies/v1_1_reproduction/repeat.sh IMAGES LABELS [FOLDER [LIMITS]]
# IMAGES and LABELS are what dse data imagenet finds. FOLDER gets the study, report.html, front.png and front.csv
# [build/recipes/v1_1]. LIMITS are options of dse explore. SPACE names an edited copy of space.yaml, DSE another dse than
# the clone's. Official runs and the submission are in README.md: they take hours, and ask who submits.
set -eu
root=$(cd "$(dirname "$0")/../.." && pwd)
[ $# -ge 2 ] || { sed -n 's/^# \{0,1\}//; 2,7p' "$0" >&2; exit 2; }
images=$1 labels=$2 out=${3:-$root/build/recipes/v1_1}
shift 2
[ $# -eq 0 ] || shift
[ -n "${DSE-}" ] || "$root/bin/setup" imagenet report
dse() { "${DSE:-$root/bin/dse}" "$@"; }

space=${SPACE:-$(dirname "$0")/space.yaml}
dse explore --space "$space" --studies "$out" --images "$images" --labels "$labels" "$@"
dse report v1_1 --studies "$out" -o "$out/report.html"
cp "$out/v1_1/front.png" "$out/v1_1/front.csv" "$out"
