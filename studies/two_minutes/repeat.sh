#!/bin/sh
# A search of the space that ships, and its report.
#   studies/two_minutes/repeat.sh [FOLDER [LIMITS]]
# FOLDER gets the study, report.html, front.png and front.csv [build/recipes/two_minutes]. LIMITS are options of
# dse explore [--timeout 2m]. DSE names another dse than the clone's.
set -eu
root=$(cd "$(dirname "$0")/../.." && pwd)
out=${1:-$root/build/recipes/two_minutes}
[ $# -eq 0 ] || shift
[ $# -gt 0 ] || set -- --timeout 2m
[ -n "${DSE-}" ] || "$root/bin/setup" report
dse() { "${DSE:-$root/bin/dse}" "$@"; }

dse explore --space mobilenet_v3.yaml --studies "$out" --seed 1 "$@"
dse report mobilenet_v3 --studies "$out" -o "$out/report.html"
cp "$out/mobilenet_v3/front.png" "$out/mobilenet_v3/front.csv" "$out"
