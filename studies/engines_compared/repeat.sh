#!/bin/sh
# One network in LiteRT, OpenVINO and ONNX Runtime: a search, what each engine is best at, and a report.
#   studies/engines_compared/repeat.sh [FOLDER [LIMITS]]
# FOLDER gets the study, report.html, front.png, front.csv and engines.txt [build/recipes/engines_compared]. LIMITS are
# options of dse explore [--timeout 4m]. DSE names another dse than the clone's.
set -eu
root=$(cd "$(dirname "$0")/../.." && pwd)
out=${1:-$root/build/recipes/engines_compared}
[ $# -eq 0 ] || shift
[ $# -gt 0 ] || set -- --timeout 4m
[ -n "${DSE-}" ] || "$root/bin/setup" openvino onnxruntime report
dse() { "${DSE:-$root/bin/dse}" "$@"; }

space=$(dirname "$0")/space.yaml
dse explore --space "$space" --study engines_compared --studies "$out" --seed 1 "$@"
nothing=5 # the exit code where an engine has nothing measured yet
for engine in litert openvino onnxruntime; do
    echo "== the front of $engine alone"
    dse front engines_compared --studies "$out" --where "runtime = $engine" || [ $? -eq $nothing ]
done >"$out/engines.txt"
for engine in openvino onnxruntime; do
    echo "== $engine against LiteRT with XNNPACK"
    dse compare engines_compared engines_compared --studies "$out" --all --ignore exact_integers \
        --where-before 'runtime = litert and delegate = xnnpack' --where-after "runtime = $engine" || [ $? -eq $nothing ]
done >>"$out/engines.txt"
cat "$out/engines.txt"
dse report engines_compared --studies "$out" -o "$out/report.html"
cp "$out/engines_compared/front.png" "$out/engines_compared/front.csv" "$out"
