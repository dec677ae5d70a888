#!/bin/bash
# Kills runs of the quickstart at random moments, resumes them, and compares with an undisturbed
# run.
#
#   SAEVAL_BINARY=.build/release/saeval Tests/Fixtures/faults/kill_and_resume.sh ROUNDS [SEED]
#
# A round starts a run with 0 (no mpirun) to 4 ranks, kills one rank or all ranks with SIGKILL after
# a random delay, starts it again with another number of ranks, and so on up to three kills, and then
# lets it finish. The same seed gives the same ranks, delays and choices; where in its work a run is
# hit depends on the machine. Folders of failed rounds are copied to SAEVAL_FAULT_KEEP if it is set.
#
# Checked after each round:
# - the run ends with exit code 0, and no rank outlives its killed job by more than ten seconds;
# - results.csv and eval_results equal those of the undisturbed run byte for byte, times aside;
# - so do the activation files and token rows;
# - the folders hold the same files as after the undisturbed run: no `.partial`, no lock, no others;
# - no key stands twice in the journal, none was reported twice in the log, and each start found
#   everything that the journal held by then, so no journaled partial result was computed again.
#
# Prints one line a round, and as its last line `N passed, M failed`; exit code 1 when M is not 0.
set -u

rounds=${1:?usage: kill_and_resume.sh ROUNDS [SEED]}
seed=${2:-1}
keep=${SAEVAL_FAULT_KEEP:-}
saeval=$(readlink -f "${SAEVAL_BINARY:?set SAEVAL_BINARY to the built program}")
cd "$(dirname "$0")/../../.."

work=$(mktemp -d "${TMPDIR:-/tmp}/saeval-faults-XXXXXX")
trap 'rm -rf "$work"' EXIT
mkdir "$work/mpi"
# The shell's own remarks on killed jobs.
exec 2>"$work/remarks"

# Nothing of an MPI run or a batch job around this one, and MPI's own files in the work folder.
for name in $(compgen -e | grep -E '^(OMPI_|PMIX_|ORTE_|SLURM_|SAEVAL_)'); do unset "$name"; done
export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1
export OMPI_MCA_btl_vader_backing_directory="$work/mpi" TMPDIR="$work/mpi"
export SWIFT_BACKTRACE=enable=no

# Puts the command of a run into `command`.
compose() { # folder ranks
    command=()
    [ "$2" -gt 0 ] && command=(mpirun -n "$2" --oversubscribe --bind-to none)
    command+=("$saeval" run Tests/Fixtures/configs/core.yaml --output "$1/run" --artifacts "$1/artifacts"
        --saes configs/quickstart/saes/sae_lens --match '.*__(topk|jumprelu)' --layers 1,2 --threads 1
        --set core.context_size=32 --set core.batch_size_prompts=12
        --set core.n_eval_reconstruction_batches=2 --set core.n_eval_sparsity_variance_batches=10)
}

# Writes all results of a folder without their times.
results() { # folder
    (cd "$1/run" && find results.csv eval_results -type f | LC_ALL=C sort | while read -r file; do
        echo "== $file"
        grep -v '"datetime_epoch_millis"' "$file"
    done)
}

# Lists files; unfinished token rows are the store's affair, which names and removes them.
files() { # folder
    (cd "$1" && find . -type f | grep -v '^\./artifacts/tokens/.*\.partial$' | LC_ALL=C sort)
}

# Keys of the journal's partial results, one a line.
journaled() { grep -ao '"keys":\[[^]]*\]' "$1/run/journal.jsonl" | grep -ao '[0-9a-f]\{32\}'; }

# Keys of the log's `unit` events, one a line.
logged() {
    grep -a '"event": "unit"' "$1/run/log.jsonl" | grep -ao '"keys": \[[^]]*\]' |
        grep -ao '[0-9a-f]\{32\}'
}

# Starts that found fewer partial results than the journal held by then.
forgetful_starts() { # folder
    awk '{
        if (index($0, "{\"start\":") == 18) {
            match($0, /"donePartials":[0-9]+/)
            if (substr($0, RSTART + 15, RLENGTH - 15) + 0 != count) wrong++
        } else if (index($0, "{\"unit\":") == 18) {
            match($0, /"keys":\[[^]]*\]/)
            count += split(substr($0, RSTART, RLENGTH), unused, ",")
        }
    } END { print wrong + 0 }' "$1/run/journal.jsonl"
}

milliseconds() { echo $(($(date +%s%N) / 1000000)); }

# The processes that do the work of a started command: itself, or the ranks below mpirun.
processes() { # pid ranks
    if [ "$2" -eq 0 ]; then echo "$1"; else pgrep -P "$1" -f "$saeval" || true; fi
}

# Whether a process still runs; one that ended and was not collected yet does not.
runs() { # pid
    local state
    state=$(sed 's/.*) //' "/proc/$1/stat" 2>/dev/null) && [ "${state:0:1}" != Z ]
}

# Waits until none of some processes runs; after ten seconds it kills the rest and fails.
all_gone() { # pids
    local end=$(($(milliseconds) + 10000)) pid left
    while :; do
        left=()
        for pid in "$@"; do runs "$pid" && left+=("$pid"); done
        [ ${#left[@]} -eq 0 ] && return 0
        [ "$(milliseconds)" -gt $end ] && { kill -9 "${left[@]}"; return 1; }
        sleep 0.02
    done
}

# Starts a run and kills it; puts what happened into `story`.
start_and_kill() { # folder ranks delay kind
    local pid victims ranks
    compose "$1" "$2"
    "${command[@]}" >"$work/output" 2>"$work/errors" &
    pid=$!
    sleep "$(printf '%d.%03d' $(($3 / 1000)) $(($3 % 1000)))"
    ranks=$(processes $pid "$2")
    victims=$ranks
    if [ "$4" = one ] && [ "$2" -gt 0 ]; then
        victims=$(echo "$ranks" | shuf -n 1 --random-source=<(yes "$3"))
    fi
    story+="$2 ranks, "
    if [ -n "$victims" ] && kill -0 $pid 2>/dev/null; then
        # shellcheck disable=SC2086
        kill -9 $victims 2>/dev/null
        story+="$4 killed after $3 ms; "
        kills=$((kills + 1))
    else
        story+="not hit at $3 ms; "
    fi
    # shellcheck disable=SC2086
    all_gone $ranks || problems+=("a rank outlived the job")
    # When a rank dies while it connects, mpirun 4.1.4 at times collects all ranks and then waits for
    # a lock of its own in PMIx_server_finalize for ever; nothing of ours runs any more by then.
    all_gone $pid || story+="mpirun hung; "
    wait $pid 2>/dev/null
}

# Checksums of finished artefacts.
sums() { # folder
    (cd "$1/artifacts" && find . -type f ! -name '*.partial' -exec sha256sum {} + | LC_ALL=C sort)
}

# Compares a finished round with the undisturbed run; adds to `problems`.
examine() { # folder
    results "$1" >"$work/results" 2>&1
    cmp -s "$work/results" "$work/expected" || problems+=("results differ")
    sums "$1" >"$work/sums"
    cmp -s "$work/sums" "$work/expected_sums" || problems+=("artefacts differ")
    files "$1" >"$work/files"
    cmp -s "$work/files" "$work/expected_files" ||
        problems+=("files differ: $(diff "$work/expected_files" "$work/files" | grep '^[<>]')")
    journaled "$1" | LC_ALL=C sort >"$work/keys"
    cmp -s "$work/keys" "$work/expected_keys" ||
        problems+=("journaled keys differ, or one stands twice")
    [ -z "$(logged "$1" | sort | uniq -d)" ] || problems+=("the log reports a key twice")
    [ -z "$(logged "$1" | LC_ALL=C sort | comm -23 - "$work/keys")" ] ||
        problems+=("the log reports a key that the journal lacks")
    [ "$(forgetful_starts "$1")" -eq 0 ] || problems+=("a start did not find what the journal held")
}

# The undisturbed run and how long it takes.
began=$(milliseconds)
compose "$work/undisturbed" 0
if ! "${command[@]}" >"$work/output" 2>"$work/errors"; then
    cat "$work/errors"
    echo "0 passed, $rounds failed"
    exit 1
fi
span=$((($(milliseconds) - began) * 11 / 10 + 100))
results "$work/undisturbed" >"$work/expected"
sums "$work/undisturbed" >"$work/expected_sums"
files "$work/undisturbed" >"$work/expected_files"
journaled "$work/undisturbed" | LC_ALL=C sort >"$work/expected_keys"
if [ "$(uniq -d "$work/expected_keys" | wc -l)" -ne 0 ] || [ ! -s "$work/expected_keys" ]; then
    echo "the undisturbed run journaled a key twice, or none"
    exit 1
fi

passed=0
failed=0
all_kills=0
for round in $(seq 1 "$rounds"); do
    RANDOM=$((seed * 1000 + round))
    folder="$work/round"
    story=""
    problems=()
    kills=0
    for _ in $(seq 1 $((RANDOM % 3 + 1))); do
        ranks=$((RANDOM % 5))
        delay=$((RANDOM % span))
        kind=one
        [ $((RANDOM % 2)) -eq 0 ] && kind=all
        start_and_kill "$folder" $ranks $delay $kind
    done
    ranks=$((RANDOM % 5))
    compose "$folder" $ranks
    timeout -k 5 120 "${command[@]}" >"$work/output" 2>"$work/errors"
    code=$?
    if [ $code -eq 0 ]; then
        examine "$folder"
    else
        problems+=("exit code $code: $(tail -n 3 "$work/errors" | tr '\n' ' ')")
    fi
    all_kills=$((all_kills + kills))
    if [ ${#problems[@]} -eq 0 ]; then
        passed=$((passed + 1))
        echo "round $round: ${story}finished with $ranks ranks: passed"
    else
        failed=$((failed + 1))
        echo "round $round: ${story}finished with $ranks ranks: FAILED:" "${problems[@]/%/;}"
        [ -n "$keep" ] && cp -r "$folder" "$keep/round-$seed-$round"
    fi
    rm -rf "$folder"
done
echo "$all_kills kills"
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
