#!/bin/bash
# Disturbs runs of the toy world at random moments, resumes them, and compares with an undisturbed
# run.
#
#   SAEVAL_BINARY=.build/release/saeval Tests/Fixtures/faults/faults.sh KIND ROUNDS [SEED]
#
# KIND is what disturbs a run:
#   kill    SIGKILL of one rank or all of 0 (no mpirun) to 4 ranks, up to three times
#   signal  SIGTERM or SIGUSR1 to one rank or all, or SIGUSR1 to mpirun, after the ranks have begun:
#           all are gone within 20 s with exit code 75, unless the run was done before
#   stop    SIGSTOP of a rank: the job ends within the watchdog's time and ten seconds
#   calls   one call that changes a file fails with ENOSPC or EIO, or a write is cut short; ROUNDS calls
#           from the first on, with 1 or 2 ranks, or all calls where ROUNDS is `all`
#   flips   one bit of an artefact flips, and a new run uses the artefacts
# After that the run is started again, with another number of ranks, and finishes.
#
# The same seed gives the same ranks, delays and choices; where in its work a run is hit depends on the
# machine. Folders of failed rounds are copied to SAEVAL_FAULT_KEEP if it is set.
#
# Checked after each round:
# - the run ends with exit code 0, and no rank outlives its job by more than ten seconds;
# - results.csv and eval_results equal those of the undisturbed run byte for byte, times aside;
# - so do the activation files and token rows, except after flips;
# - the folders hold the same files as after the undisturbed run: no `.partial`, no lock, no others;
# - no key stands twice in the journal, none was reported twice in the log, and each start found
#   everything that the journal held by then, so no journaled partial result was computed again.
# A round whose run is over before it is hit is begun anew, up to five times; the script fails where no
# round hits any run.
#
# Prints one line a round, and as its last line `N passed, M failed`; exit code 1 when M is not 0.
set -u

usage="usage: faults.sh kill|signal|stop|calls|flips ROUNDS [SEED]"
kind=${1:?$usage}
rounds=${2:?$usage}
seed=${3:-1}
case $kind in kill | signal | stop | calls | flips) ;; *) echo "$usage" >&2; exit 64 ;; esac
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
compose() { # folder ranks flags...
    command=()
    [ "$2" -gt 0 ] && command=(mpirun -n "$2" --oversubscribe --bind-to none)
    command+=("$saeval" run Tests/Fixtures/configs/core.yaml --output "$1/run" --artifacts "$1/artifacts"
        --saes configs/quickstart/saes/sae_lens --match '.*__(topk|jumprelu)' --layers 1,2 --threads 1
        --set core.context_size=32 --set core.batch_size_prompts=12
        --set core.n_eval_reconstruction_batches=2 --set core.n_eval_sparsity_variance_batches=10 "${@:3}")
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

# Waits until none of some processes runs; after some seconds it kills the rest and fails.
all_gone() { # seconds pids
    local end=$(($(milliseconds) + 1000 * $1)) pid left
    shift
    while :; do
        left=()
        for pid in "$@"; do runs "$pid" && left+=("$pid"); done
        [ ${#left[@]} -eq 0 ] && return 0
        [ "$(milliseconds)" -gt $end ] && { kill -9 "${left[@]}"; return 1; }
        sleep 0.02
    done
}

pause() { sleep "$(printf '%d.%03d' $(($1 / 1000)) $(($1 % 1000)))"; } # milliseconds

# Waits for the end of a started command after its ranks; puts its exit code into `code`.
collect() { # pid
    # When a rank dies while it connects, mpirun 4.1.4 at times collects all ranks and then waits for
    # a lock of its own in PMIx_server_finalize for ever; nothing of ours runs any more by then.
    all_gone 10 "$1" || story+="mpirun hung; "
    wait "$1" 2>/dev/null
    code=$?
}

# Waits until the ranks of a started command run; puts their processes into `ranks`.
ranks_of() { # pid count
    local wanted=$2
    [ "$wanted" -eq 0 ] && wanted=1
    for _ in $(seq 1 200); do
        ranks=$(processes "$1" "$2")
        [ "$(echo "$ranks" | wc -w)" -ge "$wanted" ] && return 0
        runs "$1" || return 1
        sleep 0.02
    done
}

one_of() { echo "$1" | shuf -n 1 --random-source=<(yes "$2"); } # words seed

# Each of these starts a run in a folder, disturbs it, and puts what happened into `story`.

kill_run() { # folder
    local count=$((RANDOM % 5)) delay=$((RANDOM % span)) which=one victims pid
    [ $((RANDOM % 2)) -eq 0 ] && which=all
    compose "$1" $count
    "${command[@]}" >"$work/output" 2>"$work/errors" &
    pid=$!
    pause $delay
    ranks=$(processes $pid $count)
    victims=$ranks
    [ $which = one ] && [ $count -gt 0 ] && victims=$(one_of "$ranks" $delay)
    story+="$count ranks, "
    if [ -n "$victims" ] && kill -0 $pid 2>/dev/null; then
        # shellcheck disable=SC2086
        kill -9 $victims 2>/dev/null
        story+="$which killed after $delay ms; "
        hits=$((hits + 1))
    else
        story+="not hit at $delay ms; "
    fi
    # shellcheck disable=SC2086
    all_gone 10 $ranks || problems+=("a rank outlived the job")
    collect $pid
}

# Whether a process catches SIGUSR1; one that is still being loaded dies of it.
listens() { # pid
    local caught
    caught=$(sed -n 's/^SigCgt:[[:space:]]*//p' "/proc/$1/status" 2>/dev/null)
    [ $((0x${caught:-0} >> 9 & 1)) -eq 1 ]
}

signal_run() { # folder
    local count=$((RANDOM % 5)) delay=$((RANDOM % span)) which=$((RANDOM % 3)) number=TERM pid victims rank
    [ $((RANDOM % 2)) -eq 0 ] && number=USR1
    compose "$1" $count
    "${command[@]}" >"$work/output" 2>"$work/errors" &
    pid=$!
    ranks_of $pid $count
    for rank in $ranks; do
        while runs "$rank" && ! listens "$rank"; do sleep 0.01; done
    done
    pause $delay
    case $which in
    0) victims=$(one_of "$ranks" $delay) ;;
    1) victims=$ranks ;;
    # mpirun passes SIGUSR1 on, and takes SIGTERM as an order to kill the ranks.
    2) victims=$pid number=USR1 ;;
    esac
    runs $pid && hits=$((hits + 1))
    [ "$victims" = $pid ] && [ $count -gt 0 ] && which=mpirun
    # shellcheck disable=SC2086
    kill -$number $victims 2>/dev/null
    story+="$count ranks, SIG$number to ${which/[01]/$(echo "$victims" | wc -w)} after $delay ms"
    # shellcheck disable=SC2086
    all_gone 20 $ranks || problems+=("a rank ran 20 s after the signal")
    collect $pid
    story+=" gave $code; "
    # mpirun dies of the signal while it starts or ends, when it catches none.
    [ $code -eq 138 ] && [ $which = mpirun ] && return
    [ $code -eq 75 ] || [ $code -eq 0 ] || problems+=("exit code $code after a signal")
}

stop_run() { # folder
    local count=$((2 + RANDOM % 3)) delay=$((150 + RANDOM % span)) pid victim began
    compose "$1" $count --watchdog 2
    "${command[@]}" >"$work/output" 2>"$work/errors" &
    pid=$!
    ranks_of $pid $count
    pause $delay
    victim=$(one_of "$ranks" $delay)
    began=$(milliseconds)
    kill -STOP "$victim" 2>/dev/null && hits=$((hits + 1))
    # shellcheck disable=SC2086
    all_gone 20 ${ranks/$victim/} || problems+=("a rank outlived the watchdog by more than ten seconds")
    # Where mpirun hangs itself, see above, nobody ends the stopped rank and no word of others arrives.
    all_gone 5 $victim || story+="mpirun left the stopped rank; "
    collect $pid
    story+="$count ranks, one stopped after $delay ms, gone after $(($(milliseconds) - began)) ms with $code; "
    [ $code -eq 0 ] || [ "${story/mpirun left/}" != "$story" ] || grep -aqE "no heartbeat|does not answer|has not answered" "$work/errors" ||
        problems+=("no word of the stopped rank: $(tail -n 2 "$work/errors" | tr '\n' ' ')")
}

fail_call() { # folder round
    local ways=(ENOSPC EIO short) count=$((seed % 2 * 2)) way number pid
    way=${ways[$((($2 - 1) % 3))]}
    number=$((($2 - 1) / 3 + 1))
    compose "$1" $count
    LD_PRELOAD=$work/failing.so FAILING_FOLDER=$1 FAILING_CALL=$number FAILING_WITH=$way FAILING_RANK=0 \
        FAILING_COUNT=$work/counted "${command[@]}" >"$work/output" 2>"$work/errors" &
    pid=$!
    all_gone 60 $pid || problems+=("the run hung")
    wait $pid 2>/dev/null
    code=$?
    story+="$count ranks, $way in $(grep -am1 "^$number " "$work/counted" | cut -d' ' -f1-2) gave $code; "
    grep -aq "^$number " "$work/counted" && hits=$((hits + 1))
    rm -f "$work/counted"
    case $way-$code in
    *-0 | ENOSPC-1 | EIO-1) ;;
    *) problems+=("exit code $code: $(tail -n 2 "$work/errors" | tr '\n' ' ')") ;;
    esac
    [ $code -eq 0 ] || grep -aq "saeval" "$work/errors" || problems+=("no word of the failed call")
}

flip_bit() { # folder
    local file size offset bit byte
    mkdir -p "$1"
    cp -r "$work/undisturbed/artifacts" "$1/"
    file=$(find "$1/artifacts" -type f | LC_ALL=C sort | shuf -n 1 --random-source=<(yes $RANDOM))
    size=$(stat -c %s "$file")
    offset=$(((RANDOM * 32768 + RANDOM) % size))
    # Most bytes are activations; every third flip goes to the head of the file.
    [ $((RANDOM % 3)) -eq 0 ] && offset=$((RANDOM % (size < 16384 ? size : 16384)))
    bit=$((1 << RANDOM % 8))
    byte=$(od -An -tu1 -j $offset -N 1 "$file")
    # shellcheck disable=SC2059
    printf "\\x$(printf %x $((byte ^ bit)))" | dd of="$file" bs=1 seek=$offset conv=notrunc status=none
    hits=$((hits + 1))
    story+="bit at $offset of $(basename "$file" | cut -c1-30); "
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
    # A bit that nothing reads, between the parts of a file, may stay flipped.
    [ "$kind" = flips ] || cmp -s "$work/sums" "$work/expected_sums" || problems+=("artefacts differ")
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

[ "$kind" != calls ] || "${CC:-cc}" -O1 -shared -fPIC -o "$work/failing.so" Tests/Fixtures/faults/failing_calls.c -ldl || exit 1
if [ "$kind" = calls ] && [ "$rounds" = all ]; then
    compose "$work/counting" $((seed % 2 * 2))
    if ! LD_PRELOAD=$work/failing.so FAILING_FOLDER=$work/counting FAILING_RANK=0 FAILING_COUNT=$work/counted \
        "${command[@]}" >"$work/output" 2>"$work/errors"; then
        cat "$work/errors"
        echo "the run whose calls are counted fails"
        exit 1
    fi
    rounds=$(($(wc -l <"$work/counted") * 3))
    rm -rf "$work/counted" "$work/counting"
    echo "$rounds ways to fail"
fi

passed=0
failed=0
hits=0
for round in $(seq 1 "$rounds"); do
    RANDOM=$((seed * 1000 + round))
    folder="$work/round"
    story=""
    problems=()
    for _ in 1 2 3 4 5; do
        before=$hits
        case $kind in
        kill) for _ in $(seq 1 $((RANDOM % 3 + 1))); do kill_run "$folder"; done ;;
        signal) signal_run "$folder" ;;
        stop) stop_run "$folder" ;;
        calls) fail_call "$folder" "$round" ;;
        flips) flip_bit "$folder" ;;
        esac
        [ "$hits" -gt "$before" ] || [ "$kind" = calls ] && break
        rm -rf "$folder"
    done
    ranks=$((RANDOM % 5))
    [ "$kind" = calls ] || [ "$kind" = flips ] && ranks=$((RANDOM % 2 * 2))
    compose "$folder" $ranks
    timeout -k 5 120 "${command[@]}" >"$work/output" 2>"$work/errors"
    code=$?
    if [ $code -eq 0 ]; then
        examine "$folder"
    else
        problems+=("exit code $code: $(tail -n 3 "$work/errors" | tr '\n' ' ')")
    fi
    if [ ${#problems[@]} -eq 0 ]; then
        passed=$((passed + 1))
        echo "round $round: ${story}finished with $ranks ranks: passed"
    else
        failed=$((failed + 1))
        echo "round $round: ${story}finished with $ranks ranks: FAILED:" "${problems[@]/%/;}"
        [ -n "$keep" ] && cp -r "$folder" "$keep/$kind-$seed-$round"
    fi
    rm -rf "$folder"
done
echo "$hits disturbed"
# Rounds in which nothing was ever disturbed show nothing.
[ "$hits" -gt 0 ] || failed=$((failed + 1))
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
