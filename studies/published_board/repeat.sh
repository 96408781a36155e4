#!/bin/sh
# A published board as a tabular benchmark: how soon searches find its front, and a study of it. Nothing is measured.
#   studies/published_board/repeat.sh RESULTS|TABLE [FOLDER [WHERE [SEEDS]]]
# RESULTS is a folder of published results (git clone --depth 1 https://github.com/mlcommons/inference_results_v0.5), TABLE
# a .csv that dse replay takes. FOLDER gets the table, the study, replay.txt, report.html, front.png and front.csv
# [build/recipes/published_board]. WHERE says which results of RESULTS, SEEDS how many searches [10]. DSE names another
# dse than the clone's.
set -eu
root=$(cd "$(dirname "$0")/../.." && pwd)
[ $# -gt 0 ] || { sed -n 's/^# \{0,1\}//; 2,7p' "$0" >&2; exit 2; }
found=$1 out=${2:-$root/build/recipes/published_board}
where=${3:-"device = 'rpi4' AND round = 'v0.5'"} seeds=${4:-10}
[ -n "${DSE-}" ] || "$root/bin/setup" report
dse() { "${DSE:-$root/bin/dse}" "$@"; }

mkdir -p "$out"
if [ -d "$found" ]; then
    dse results import "$found" --db "$out/results.duckdb"
    dse space from-results "$out/board.yaml" --db "$out/results.duckdb" --where "$where" --force
else
    cat "$found" >"$out/board.csv" # writable, whatever the table is
    printf '%s\n' 'schema: 1' 'name: board' 'replay: board.csv' 'objectives: [accuracy, latency_p90_ns]' >"$out/board.yaml"
fi
for sampler in ehvi random tpe; do
    echo "== $sampler"
    dse replay --table "$out/board.csv" --sampler $sampler --seeds "$seeds"
done >"$out/replay.txt"
cat "$out/replay.txt"
dse explore --space "$out/board.yaml" --studies "$out" --study board_found --seed 1
dse report board_found --studies "$out" -o "$out/report.html"
cp "$out/board_found/front.png" "$out/board_found/front.csv" "$out"
