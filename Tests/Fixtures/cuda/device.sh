#!/usr/bin/env bash
# Tries the program on a machine that has a GPU and no Swift, in at most 12 minutes.
#
#   device.sh pack [FOLDER]      where Swift is: makes FOLDER/pack.tar.xz (.build/device)
#   device.sh run PACK RESULTS   where the GPU is: every step; RESULTS/summary.txt has a line for each
#
# For example
#
#   Tests/Fixtures/cuda/device.sh pack
#   Tests/Fixtures/cuda/device.sh run .build/device/pack.tar.xz .build/device/results
#
# and, with smaller sizes, on the emulated GPU
#
#   Tests/Fixtures/cuda/build.sh .build/emulated
#   SAEVAL_CUDA_LIBRARIES=$PWD/.build/emulated \
#       Tests/Fixtures/cuda/device.sh run .build/device/pack.tar.xz .build/device/results
#
# Step      Seconds   What must hold
# machine        30   the program starts and opens the GPU; tells driver, libraries and their versions
# walk          130   every operation agrees with the reference and gives the same bits twice
# float32        80   core is SAE Bench's within 1e-3, divergences 1e-2 (compare_results.py golden)
# bfloat16       60   core is the processor's: losses, L0 and explained variance within 0.1 %,
#                     divergence 2 % (compare_results.py half)
# twice          80   two runs of core are equal byte for byte
# ranks          80   one rank and two that share the GPU are equal byte for byte
# bench         140   saeval bench --device cuda, into bench.json
# torch         100   the same in PyTorch, into torch.json; skipped where PyTorch is missing
# compare        20   both beside each other
#
# A step that takes longer is ended; what earlier steps left of their time is added to its own. The
# whole output of a step is in RESULTS/NN-STEP.txt while it runs. Exit code 0 when nothing failed.
#
# DEVICE_SECONDS   for all steps together (720); their shares grow or shrink with it
# DEVICE_STEPS     only these, such as "machine walk"
# DEVICE_ARCHIVE   a .tar.gz of RESULTS, written anew after every step
# SAEVAL_BUILD     pack: a folder with a finished build, instead of building
# SAEVAL_SHARED    pack: a folder with more results of SAE Bench, golden/ (../shared)
# PYTHON           python3, for comparisons and PyTorch
set -euo pipefail
self=$(readlink -f "${BASH_SOURCE[0]}")
steps=(machine:30 walk:130 float32:80 bfloat16:60 twice:80 ranks:80 bench:140 torch:100 compare:20)
python=${PYTHON:-python3}

usage() { sed -n '2,/^set /{/^set /d;s/^# \{0,1\}//p}' "$self"; }

# --- pack

# Copies goldens of models whose files are not part of this project.
pack_goldens() { # SOURCE TARGET
    local result name model file
    for result in "$1"/results/core/*_512; do
        name=$(basename "$result") model=${name%_*_512}
        for file in "results/core/$name/result.json" "saes_saelens/$name" "models/$model"; do
            [ ! -e "$2/$file" ] || continue
            mkdir -p "$2/$(dirname "$file")"
            cp -rL --no-preserve=mode "$1/$file" "$2/$file"
        done
    done
    mkdir -p "$2/data"
    cp -L --no-preserve=mode "$1/data/local/owt/train.first400.jsonl.gz" "$2/data/"
}

pack() { # [FOLDER]
    local root build folder bundle shared bytes
    root=$(cd "$(dirname "$self")/../../.." && pwd)
    folder=${1:-$root/.build/device}
    mkdir -p "$folder"
    folder=$(cd "$folder" && pwd)
    if [ -n "${SAEVAL_BUILD:-}" ]; then
        build=$(cd "$SAEVAL_BUILD" && pwd)
        cd "$root"
    else
        cd "$root"
        swift build -c release --static-swift-stdlib
        build=$(swift build -c release --static-swift-stdlib --show-bin-path)
    fi
    work=$(mktemp -d)
    trap 'rm -rf "$work"' EXIT
    bundle=$work/saeval
    "$build/saeval" bundle "$bundle" --with configs/quickstart/model \
        --with configs/quickstart/saes/sae_lens \
        --with configs/quickstart/toyworld/corpus/heldout.jsonl \
        --with Tests/Fixtures/configs/core.yaml --with Tests/Fixtures/toyworld \
        --with Tests/Fixtures/cuda/peer_torch.py --with Tests/Fixtures/cuda/compare_results.py

    # The walk needs fewer libraries than the program and starts as the program does.
    cp "$build/saeval-walk" "$bundle/libexec/"
    strip "$bundle/libexec/saeval-walk" 2>/dev/null || true
    sed 's|libexec/saeval"|libexec/saeval-walk"|' "$bundle/saeval" >"$bundle/saeval-walk"
    chmod +x "$bundle/saeval-walk"
    "$bundle/saeval-walk" --device cpu --only add >/dev/null

    shared=${SAEVAL_SHARED:-$root/../shared}
    if [ -d "$shared/golden/results/core" ]; then
        pack_goldens "$shared/golden" "$bundle/golden"
    else
        echo "no $shared/golden: float32 is compared on the toy world alone" >&2
    fi
    # Both programs hold the same libraries of Swift: a window that spans them keeps these once.
    tar --sort=name --owner=0 --group=0 --numeric-owner -C "$work" -I 'xz --lzma2=preset=6,dict=128MiB' \
        -cf "$folder/pack.tar.xz.partial" saeval
    mv "$folder/pack.tar.xz.partial" "$folder/pack.tar.xz"
    cmp -s "$self" "$folder/device.sh" || cp "$self" "$folder/device.sh"
    bytes=$(stat -c %s "$folder/pack.tar.xz")
    echo "$folder/pack.tar.xz: $(((bytes + 500000) / 1000000)) MB"
    [ "$bytes" -lt $((60 << 20)) ] || { echo "the pack is larger than 60 MiB" >&2; exit 1; }
}

# --- run

record() { # NAME SECONDS OUTCOME
    printf '%-9s %4d s  %s\n' "$@" | tee -a "$results/summary.txt"
    [ -n "${DEVICE_ARCHIVE:-}" ] || return 0
    tar -C "$(dirname "$results")" -czf "$DEVICE_ARCHIVE.partial" "$(basename "$results")" &&
        mv "$DEVICE_ARCHIVE.partial" "$DEVICE_ARCHIVE" || echo "no $DEVICE_ARCHIVE was written" >&2
}

# Runs a step. One that cannot even be killed, since it waits for a driver, is left behind.
limited() { # SECONDS NAME OUTPUT
    local end=$((SECONDS + $1)) pid
    DEVICE_LIMIT=$(($1 - 5)) timeout --kill-after=4 $(($1 - 5)) bash "$self" step "$2" \
        >"$3" 2>&1 </dev/null &
    pid=$!
    while kill -0 "$pid" 2>/dev/null; do
        [ "$SECONDS" -le "$end" ] || return 137
        sleep 0.2
    done
    wait "$pid"
}

unpack() { # PACK FOLDER
    timeout 60 tar -C "$2" -xJf "$1" 2>"$2/tar.txt" ||
        timeout 60 "$python" -c 'import sys, tarfile; tarfile.open(sys.argv[1]).extractall(sys.argv[2])' \
            "$1" "$2" || { cat "$2/tar.txt" >&2; return 1; }
}

# The folders of NVIDIA's packages beside PyTorch, which the program may not look into by itself.
python_libraries() {
    "$python" -c 'import glob, sys
print(":".join(f for p in sys.path if p for f in sorted(glob.glob(f"{p}/nvidia/*/lib"))))' 2>/dev/null ||
        true
}

is_chosen() { # STEP
    case " ${DEVICE_STEPS:-$1} " in *" $1 "*) return 0 ;; *) return 1 ;; esac
}

run() { # PACK RESULTS
    local total=${DEVICE_SECONDS:-720} entry name limit begin outcome status output last
    local number=0 shares=0 behind failed=0
    [ -f "$1" ] || { echo "there is no pack $1; make it: device.sh pack" >&2; exit 66; }
    for name in ${DEVICE_STEPS:-}; do
        case " ${steps[*]} " in
        *" $name:"*) ;;
        *) echo "DEVICE_STEPS names no step: $name; there are ${steps[*]%:*}" >&2; exit 64 ;;
        esac
    done
    case ${DEVICE_SECONDS:-720} in
    *[!0-9]* | 0) echo "DEVICE_SECONDS is ${DEVICE_SECONDS:-}; it takes a number of seconds" >&2; exit 64 ;;
    esac
    mkdir -p "$2"
    results=$(cd "$2" && pwd)
    rm -f "$results"/{summary.txt,bench.json,torch.json}
    work=$(mktemp -d)
    trap 'rm -rf "$work"' EXIT
    unpack "$1" "$work" || { record unpack "$SECONDS" "FAILED: $1 cannot be unpacked"; exit 1; }

    export DEVICE_BUNDLE=$work/saeval DEVICE_WORK=$work DEVICE_RESULTS=$results
    export XDG_CACHE_HOME=$work/cache PYTHONUNBUFFERED=1 SWIFT_BACKTRACE=enable=no
    export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1
    [ -n "${SAEVAL_CUDA_LIBRARIES:-}" ] || SAEVAL_CUDA_LIBRARIES=$(python_libraries)
    export SAEVAL_CUDA_LIBRARIES
    for entry in "${steps[@]}"; do
        ! is_chosen "${entry%:*}" || shares=$((shares + ${entry#*:}))
    done
    behind=$shares
    for entry in "${steps[@]}"; do
        name=${entry%:*} number=$((number + 1)) begin=$SECONDS
        is_chosen "$name" || continue
        behind=$((behind - ${entry#*:}))
        limit=$((total - SECONDS - behind * total / shares))
        output=$results/$(printf '%02d-%s.txt' "$number" "$name")
        if [ "$limit" -lt 8 ]; then
            record "$name" 0 "FAILED: no time is left"
            failed=1
            continue
        fi
        status=0
        limited "$limit" "$name" "$output" || status=$?
        last=$(tail -n 1 "$output" | cut -c 1-300)
        case $status in
        0) outcome="ok: ${last#result: }" ;;
        77) outcome=$last ;;
        124 | 137) outcome="FAILED: ended after $((SECONDS - begin)) s at: $last" ;;
        *) outcome="FAILED: exit code $status: ${last#result: }" ;;
        esac
        case $outcome in FAILED*) failed=1 ;; esac
        record "$name" $((SECONDS - begin)) "$outcome"
    done
    exit "$failed"
}

# --- steps: the last line of their output goes into the summary

skip() { # REASON
    echo "skipped: $1"
    exit 77
}

need_python() { "$python" -c '' 2>/dev/null || skip "there is no $python to compare with"; }

# Whether the GPU is that of build.sh.
is_emulated() {
    local folder folders
    IFS=: read -ra folders <<<"$SAEVAL_CUDA_LIBRARIES"
    for folder in "${folders[@]}"; do
        ! grep -qs saevalEmulator "$folder/libcuda.so.1" || return 0
    done
    return 1
}

# Runs core into a folder of its own, with artefacts of its own. Words before `--` start the ranks.
core() { # NAME LAUNCHER... -- FLAGS...
    local name=$1 launcher=() status=0
    shift
    while [ "$1" != -- ]; do
        launcher+=("$1")
        shift
    done
    shift
    "${launcher[@]}" ./saeval run --output "$DEVICE_WORK/$name" \
        --artifacts "$DEVICE_WORK/$name-artifacts" "$@" || status=$?
    mkdir -p "$DEVICE_RESULTS/$name"
    cp "$DEVICE_WORK/$name"/{results.csv,log.jsonl} "$DEVICE_RESULTS/$name/" 2>/dev/null || true
    return "$status"
}

# Sets `flags` for autoencoders of the toy world, by default all; few and small on an emulated GPU.
toy_world() { # DEVICE [KINDS LAYERS]
    local kinds=${2:-.*} layers=${3:-1,2,3}
    ! is_emulated || kinds=${2:-topk} layers=${3:-1,2}
    flags=(Tests/Fixtures/configs/core.yaml --device "$1"
        --saes configs/quickstart/saes/sae_lens --match ".*__($kinds)" --layers "$layers")
    ! is_emulated || flags+=(--set core.context_size=32 --set core.batch_size_prompts=12
        --set core.n_eval_reconstruction_batches=2 --set core.n_eval_sparsity_variance_batches=4)
}

# Sets `flags` to what SAE Bench's results were made with.
golden_settings() { # RECONSTRUCTION SPARSITY
    flags=(--set core.batch_size_prompts=8 --set core.n_eval_reconstruction_batches="$1"
        --set core.n_eval_sparsity_variance_batches="$2" --set core.context_size=128
        --set core.exclude_special_tokens_from_reconstruction=true)
}

# Results without their times.
bare() { # NAME
    local file
    (cd "$DEVICE_WORK/$1" && find eval_results results.csv -type f | sort) |
        while read -r file; do
            mkdir -p "$DEVICE_WORK/bare/$1/$(dirname "$file")"
            grep -v -e '"datetime_epoch_millis"' -e '"eval_id"' "$DEVICE_WORK/$1/$file" \
                >"$DEVICE_WORK/bare/$1/$file"
        done
}

same() { # NAME NAME
    bare "$1"
    bare "$2"
    diff -r "$DEVICE_WORK/bare/$1" "$DEVICE_WORK/bare/$2" >"$DEVICE_WORK/difference" || {
        head -n 40 "$DEVICE_WORK/difference" | cut -c 1-300
        echo "result: $1 and $2 differ in $(grep -c '^[<>]' "$DEVICE_WORK/difference") lines"
        exit 1
    }
    echo "result: $(find "$DEVICE_WORK/bare/$1" -type f | wc -l) files are equal byte for byte"
}

step_machine() {
    date -u
    uname -srm
    echo "$(nproc) cores"
    grep -m 1 'model name' /proc/cpuinfo || true
    ldd --version 2>&1 | sed -n 1p
    "$python" --version || true
    echo "SAEVAL_CUDA_LIBRARIES: $SAEVAL_CUDA_LIBRARIES"
    ! is_emulated || echo "this GPU is emulated"
    cat /proc/driver/nvidia/version 2>/dev/null || true
    timeout 15 nvidia-smi || echo "no nvidia-smi"
    ./saeval --version
    ./saeval-walk --device cuda --describe | tee "$DEVICE_WORK/gpu.txt"
    toy_world cuda
    ./saeval check "${flags[@]}"
    echo "result: $(sed -n 1p "$DEVICE_WORK/gpu.txt")"
}

step_walk() {
    local trace=$DEVICE_RESULTS/walk-trace.txt status=0
    ./saeval-walk --device cuda --limit-seconds $((DEVICE_LIMIT - 2)) --trace 2>"$trace" || status=$?
    # Anything but right or wrong: the process ended within a check.
    [ "$status" -le 1 ] || { echo; tail -n 3 "$trace"; }
    return "$status"
}

step_float32() {
    need_python
    local golden=Tests/Fixtures/toyworld wide=$DEVICE_WORK/wide model name names flags
    local count=0 failed=0
    local id=blocks.2.hook_resid_post
    if is_emulated && [ -d golden ]; then
        echo "the toy world is left out: it takes long on an emulated GPU"
    else
        mkdir -p "$wide/toyworld-res"
        compare_results widen configs/quickstart/model "$wide/model"
        for name in topk random; do
            compare_results widen "configs/quickstart/saes/sae_lens/toyworld-res/${id}__$name" \
                "$wide/toyworld-res/${id}__$name"
        done
        golden_settings 8 24
        core float32-toyworld -- Tests/Fixtures/configs/core.yaml --device cuda \
            --model "$wide/model" --saes "$wide/toyworld-res" "${flags[@]}" ||
            echo "the run of the toy world failed"
        for name in topk random; do
            count=$((count + 1))
            compare_results golden "$(result float32-toyworld "${id}__$name")" \
                "$golden/${id}__$name.json" || failed=$((failed + 1))
        done
    fi
    [ -d golden ] || echo "the pack holds no other goldens"
    for model in golden/models/*/; do
        [ -d "$model" ] || continue
        model=$(basename "$model")
        names=(golden/results/core/"$model"_*)
        ! is_emulated || names=("${names[0]}")
        names=("${names[@]##*/}")
        golden_settings 4 8
        core "float32-$model" -- --model "golden/models/$model" --device cuda \
            --saes golden/saes_saelens --match ".*/($(IFS='|' && echo "${names[*]}"))" \
            --evals core --set core.dataset=local/owt \
            --datasets local/owt=golden/data/train.first400.jsonl.gz "${flags[@]}" ||
            echo "the run of $model failed"
        for name in "${names[@]}"; do
            count=$((count + 1))
            compare_results golden "$(result "float32-$model" "$name")" \
                "golden/results/core/$name/result.json" || failed=$((failed + 1))
        done
    done
    echo "result: $((count - failed)) of $count autoencoders within the tolerance"
    [ "$failed" = 0 ]
}

compare_results() { "$python" Tests/Fixtures/cuda/compare_results.py "$@"; }

# The result file of an autoencoder.
result() { # RUN NAME
    echo "$DEVICE_WORK/$1/eval_results/core"/*_"$2"_eval_results.json
}

step_bfloat16() {
    need_python
    local kinds='topk|jumprelu|relu|gated|batchtopk|matryoshka' device flags file
    local count=0 failed=0
    ! is_emulated || kinds='topk|jumprelu'
    for device in cpu cuda; do
        toy_world "$device" "$kinds" 2
        core "bfloat16-$device" -- --dtype bfloat16 "${flags[@]}"
    done
    for file in "$DEVICE_WORK"/bfloat16-cuda/eval_results/core/*.json; do
        count=$((count + 1))
        compare_results half "$file" "${file/bfloat16-cuda/bfloat16-cpu}" || failed=$((failed + 1))
    done
    echo "result: $((count - failed)) of $count autoencoders within the tolerances"
    [ "$failed" = 0 ]
}

step_twice() {
    toy_world cuda
    core first -- "${flags[@]}"
    core second -- "${flags[@]}"
    same first second
}

step_ranks() {
    local ranks
    toy_world cuda
    for ranks in 1 2; do
        core "ranks-$ranks" ./mpirun -n "$ranks" --oversubscribe --bind-to none -- "${flags[@]}"
    done
    same ranks-1 ranks-2
}

step_bench() {
    local size=()
    ! is_emulated || size=(--quick)
    ./saeval bench --device cuda "${size[@]}" --json "$DEVICE_RESULTS/bench.json"
    echo "result: $(grep -c '"operation"' "$DEVICE_RESULTS/bench.json") measurements"
}

step_torch() {
    ! is_emulated || skip "the GPU is emulated, and PyTorch cannot use it"
    need_python
    "$python" -c 'import sys, torch; sys.exit(not torch.cuda.is_available())' ||
        skip "there is no PyTorch that sees the GPU"
    "$python" Tests/Fixtures/cuda/peer_torch.py --json "$DEVICE_RESULTS/torch.json"
    echo "result: $(grep -c '"operation"' "$DEVICE_RESULTS/torch.json") measurements"
}

step_compare() {
    local name
    for name in bench torch; do
        [ -s "$DEVICE_RESULTS/$name.json" ] || skip "there is no $name.json"
    done
    "$python" Tests/Fixtures/cuda/peer_torch.py compare "$DEVICE_RESULTS"/{bench,torch}.json
}

case "${1:-}" in
pack) [ $# -le 2 ] || { usage >&2; exit 64; }; pack "${2:-}" ;;
run) [ $# = 3 ] || { usage >&2; exit 64; }; run "$2" "$3" ;;
step)
    cd "$DEVICE_BUNDLE"
    "step_$2"
    ;;
-h | --help) usage ;;
*) usage >&2; exit 64 ;;
esac
