#!/bin/sh
# Makes the archives and expected answers of this folder with the dse of a commit:
#
#     tests/earlier/make.sh COMMIT RESULTS
#
# RESULTS is a folder that is laid out as published results are (round/division/submitter). It takes about 13 minutes: the official run is
# one. Everything is done below /tmp/dse-earlier, so that no file names another folder of the machine. The figures of
# `searched` are measured, so they differ from one making to the next, and so does what of them is excluded.
set -eu
commit=$1 results=$(cd "$2" && pwd) here=$(cd "$(dirname "$0")" && pwd)
at=/tmp/dse-earlier
expected=$here/expected
mkdir "$at" "$at/code" "$at/models" "$at/tabular"
git -C "$here/../.." archive "$commit" | tar -x -C "$at/code"
"$at/code/bin/setup"
export DSE_CACHE="$at/cache" PATH="$at/code/.venv/bin:$PATH"
mkdir -p "$expected"

# A study that was measured: trials that search, repeat, confirm and check for drift; some failed, some excluded.
cd "$at"
printf '\034\000\000\000TFL3' > models/broken.tflite # a model's first bytes and nothing more
cat > searched.yaml <<'YAML'
schema: 1
name: searched
data_set: {embedded: fashion_mnist, classes: 10, preprocessing: {crop_percent: 100}}
models:
  mobilenet_v3: {zoo: mobilenet_v3}
  broken: {path: models/broken.tflite}
parameters:
  model:
    mobilenet_v3:
      family: [small]
      form: [minimalistic]
      width: [0.35, 0.5]
      side: [48, 64]
      precision: [float32, int8, int4_dynamic]
    broken:
  threads: [1, 2]
  buffer_size: [1024]
objectives: [accuracy, latency_p90_ns, model_memory_bytes]
constraints: [latency_p90_ns <= 0.2ms]
fidelity: {explore: {min_duration: 100ms, accuracy_images: 1000}}
budget: {trials: 12}
YAML
dse explore --space searched.yaml --trials 12 --budget 30s

# An official run of one point of its front, and the submission of it.
trial=${TRIAL:-$(dse front searched --json | python3 -c 'import json, sys; print(json.load(sys.stdin)["points"][2]["trial"])')}
dse system init board
sed -i 's/: ""/: "-"/' system.yaml
dse validate searched --trial "$trial" --allow data-set-size --submitter Example
dse submit searched --submitter Example --allow data-set-size

# A study on a tabular benchmark, of which 16 of 36 configurations are known.
cd "$at/tabular"
python3 - <<'PYTHON'
rows = ["family,width,precision,resolution,accuracy_pct,acc_good,acc_total,p90_latency_ns"]
for family, base, speed in [("v1", 600, 1.0), ("v2", 640, 1.3), ("v3", 655, 0.9)]:
    for wi, width in enumerate([0.25, 0.5, 1.0]):
        for pi, (precision, loss, gain) in enumerate([("float32", 0, 1.0), ("int8", 12, 0.6)]):
            for resolution in (128, 224):
                if (family, width, precision) == ("v3", 0.25, "int8"):
                    rows.append(f"{family},{width},{precision},{resolution},,,,")  # a failure
                    continue
                good = base - int(150 * (1 - width)) - loss - (0 if resolution == 224 else 45)
                p90 = round(4_000_000 * speed * width**1.1 * gain * (resolution / 224) ** 2 / 1000) * 1000
                rows.append(f"{family},{width},{precision},{resolution},{good / 10},{good},1000,{p90 + wi * 37 + pi * 11}")
with open("table.csv", "w") as file:
    file.write("\n".join(rows) + "\n")
PYTHON
cat > tabular.yaml <<'YAML'
schema: 1
name: tabular
replay: table.csv
objectives: [accuracy, latency_p90_ns]
sampler: tpe
seed: 7
YAML
dse explore --space tabular.yaml --trials 16

# A results database.
cd "$at"
cp -R "$results" results
dse results import results --db results.duckdb

# What dse said of all that.
for study in searched tabular/studies/tabular; do
    name=${study##*/}
    dse front "$study" --json > "$expected/$name-front.json"
    dse trials "$study" --json > "$expected/$name-trials.json"
done
dse explain searched "$trial" --json > "$expected/searched-explain-front.json"
dse explain searched 1 --json > "$expected/searched-explain-1.json"
dse explain searched 3 --json > "$expected/searched-explain-3.json"
dse submit check studies/searched/submission/tree --json > "$expected/submit-check.json" || test $? = 3
dse results front --db results.duckdb --json > "$expected/results-front.json"
dse results front --db results.duckdb --by task --json > "$expected/results-front-by-task.json"

pack() { # ARCHIVE FOLDER NAME...
    archive=$1
    shift
    tar --sort=name --owner=0 --group=0 --numeric-owner --exclude=front.png --exclude=.lock -c -C "$@" | xz -9e > "$here/$archive"
}
pack searched.tar.xz "$at" searched.yaml system.yaml models studies
pack tabular.tar.xz "$at/tabular" tabular.yaml table.csv studies
pack results.tar.xz "$at" results.duckdb
rm -r "$at"
