#!/bin/bash
# Runs of the toy world through Slurm: on two nodes, stopped and requeued, cancelled and submitted
# again, as an array, and by `saeval submit`; each must give the bytes of one rank without Slurm.
#
#   SAEVAL_BINARY=.build/release/saeval Tests/Fixtures/slurm/end-to-end.sh [large|sweep]
#
# It brings up a private cluster, see cluster.sh, and takes it down again. The small form stops a job
# by sending the signal that comes before a time limit; the large form evaluates more and waits for
# the signal of a real limit of two minutes; `sweep` does that with the whole sweep of the toy world,
# which takes minutes. Checked for each run besides its bytes: the job's state
# and exit code, how often it was requeued, and that no partial result was computed twice.
#
# Prints a line for each run and `N passed, M failed` at the end; exit code 1 when M is not 0, 77 when
# there is no Slurm.
set -u
export PATH="$PATH:/usr/sbin:/sbin"

size=${1:-small}
program=$(readlink -f "${SAEVAL_BINARY:?set SAEVAL_BINARY to the built program}")
cd "$(dirname "$0")/../../.." || exit 1
cluster=$PWD/Tests/Fixtures/slurm/cluster.sh
for name in slurmctld slurmd munged sbatch squeue scontrol; do
    command -v $name >/dev/null || { echo "skipped: $name is not installed"; exit 77; }
done

# Nothing of an MPI run or a batch job around this one.
for name in $(compgen -e | grep -E '^(OMPI_|PMIX_|ORTE_|SLURM_|SBATCH_|SRUN_|SAEVAL_)'); do unset "$name"; done
export SAEVAL=$program SWIFT_BACKTRACE=enable=no

work=$(mktemp -d /tmp/saeval-slurm-XXXXXX)
finish() {
    [ -f "$work/slurm/slurm.conf" ] && scancel --full --signal=KILL --user="$(id -un)" 2>/dev/null
    bash "$cluster" stop "$work/slurm"
    rm -rf "$work"
}
trap finish EXIT
trap 'exit 1' INT TERM
export SLURM_CONF=$work/slurm/slurm.conf
bash "$cluster" start "$work/slurm" || { echo "the cluster does not start"; exit 1; }

# What is run, without its folders.
if [ "$size" = sweep ]; then
    config=configs/toy/layers-1-2-3.yaml
    selection=(--saes configs/quickstart/saes)
elif [ "$size" = large ]; then
    config=configs/quickstart.yaml
    selection=(--saes configs/quickstart/saes/sae_lens --match '.*__(topk|jumprelu|gated)'
        --evals 'core,sparse_probing')
else
    config=Tests/Fixtures/configs/core.yaml
    selection=(--saes configs/quickstart/saes/sae_lens --match '.*__(topk|jumprelu)'
        --set core.context_size=64)
fi
layers=(--layers '1,2')
[ "$size" = sweep ] && layers=(--layers '1,2,3')
# Two nodes with one rank and one core each.
places=(--nodes=2 --ntasks-per-node=1 --cpus-per-task=1)

folders() { echo --output "$work/$1/run" --artifacts "$work/$1/artifacts"; }

# Submits cpu.sbatch for a folder, with options of sbatch; puts the number into `job`.
submit() { # folder options...
    local folder=$1
    shift
    mkdir -p "$work/$folder"
    # shellcheck disable=SC2046
    job=$(sbatch --parsable "${places[@]}" --output="$work/$folder/job.out" "$@" slurm/cpu.sbatch \
        "$config" "${selection[@]}" "${layers[@]}" $(folders "$folder")) || problems+=("sbatch refuses the job")
}

# One field of a job, such as JobState.
field() { scontrol show job "$job" 2>/dev/null | tr ' ' '\n' | sed -n "s/^$1=//p" | head -n 1; }

# Waits until the job is over.
await_end() {
    for _ in $(seq 3000); do
        [ -z "$(squeue -h -j "$job" 2>/dev/null)" ] && return 0
        sleep 0.2
    done
    problems+=("the job is not over after ten minutes")
}

# Waits until a run has finished a unit.
await_unit() { # folder
    for _ in $(seq 600); do
        grep -aqs '{"unit":' "$work/$1/run/journal.jsonl" && return 0
        sleep 0.1
    done
    problems+=("no unit was finished in a minute")
}

# Whether a process is stopped and SIGUSR1 does not wait for it. Slurm wakes what it signals.
is_held() { # pid
    local state pending
    state=$(sed -n 's/^State:[[:space:]]*//p' "/proc/$1/status" 2>/dev/null)
    pending=$(sed -n 's/^ShdPnd:[[:space:]]*//p' "/proc/$1/status" 2>/dev/null)
    [ "${state:0:1}" = T ] && [ $((0x${pending:-0} >> 9 & 1)) -eq 0 ]
}

# Stops the ranks of a run after its first unit until the controller has signalled them, so that no
# machine is fast enough to end before its time limit. It looks at limits every 30 seconds.
hold_until_signal() { # folder
    local ranks rank held=none
    await_unit "$1"
    ranks=$(pgrep -f "^$program run .*--output $work/$1/run")
    # shellcheck disable=SC2086
    kill -STOP $ranks || problems+=("no rank runs after the first unit")
    for _ in $(seq 900); do
        held=
        for rank in $ranks; do is_held "$rank" && held+=" $rank"; done
        [ -n "$held" ] || break
        sleep 0.1
    done
    [ -z "$held" ] || problems+=("no signal came in 90 seconds")
    # shellcheck disable=SC2086
    kill -CONT $ranks 2>/dev/null
}

# Writes all results of a folder without their times.
results() { # folder
    (cd "$work/$1/run" && find results.csv eval_results -type f | LC_ALL=C sort | while read -r file; do
        echo "== $file"
        grep -v '"datetime_epoch_millis"' "$file"
    done) 2>&1
}

count() { grep -ac "$2" "$work/$1" 2>/dev/null; }

# Compares a run with the one of one rank and prints its line.
conclude() { # folder story
    results "$1" | cmp -s - "$work/expected" || problems+=("results differ")
    [ -z "$(grep -ao '"keys":\[[^]]*\]' "$work/$1/run/journal.jsonl" | grep -ao '[0-9a-f]\{32\}' |
        sort | uniq -d)" ] || problems+=("a partial result was computed twice")
    [ "$(field JobState)" = COMPLETED ] || problems+=("the job ended as $(field JobState)")
    [ "$(field ExitCode)" = 0:0 ] || problems+=("exit code $(field ExitCode)")
    report "$2" "$work/$1/job.out"
}

report() { # story log
    local seconds=$((SECONDS - began))
    began=$SECONDS
    if [ ${#problems[@]} -eq 0 ]; then
        passed=$((passed + 1))
        echo "$1: passed, $seconds s"
    else
        failed=$((failed + 1))
        echo "$1: FAILED:" "${problems[@]/%/;}"
        tail -n 20 "$2"
    fi
    problems=()
}

passed=0
failed=0
problems=()
began=$SECONDS

# shellcheck disable=SC2046
if ! "$program" run "$config" "${selection[@]}" "${layers[@]}" $(folders alone) >"$work/output" 2>&1; then
    cat "$work/output"
    echo "0 passed, 1 failed"
    exit 1
fi
results alone >"$work/expected"
report "one rank without Slurm" "$work/output"

submit two
await_end
[ "$(field Restarts)" = 0 ] || problems+=("the job was requeued")
conclude two "two nodes"

if [ "$size" != small ]; then
    # Due a minute after the start: a signal that finds no step yet is lost and not sent again.
    submit limit --time=2 --signal=USR1@60
    hold_until_signal limit
    story="a time limit of 2 min"
else
    submit limit
    await_unit limit
    scancel --signal=USR1 "$job"
    story="the signal before a time limit"
fi
await_end
[ "$(count limit/job.out 'stopped early')" -ge 1 ] || problems+=("the run did not stop early")
[ "$(field Restarts)" -ge 1 ] || problems+=("the job was not requeued")
[ "$(count limit/run/log.jsonl '"event": "start"')" -ge 2 ] || problems+=("the run did not resume")
conclude limit "$story, code 75, requeued $(field Restarts) times"

submit cancelled
await_unit cancelled
scancel "$job"
await_end
[ "$(field JobState)" = CANCELLED ] || problems+=("a cancelled job ended as $(field JobState)")
[ ! -e "$work/cancelled/run/results.csv" ] || [ "$(count cancelled/run/journal.jsonl '{"end":')" = 0 ] ||
    problems+=("the run was over before it was cancelled")
submit cancelled
await_end
[ "$(count cancelled/run/log.jsonl '"event": "start"')" = 2 ] || problems+=("the run did not resume")
conclude cancelled "cancelled in the middle and submitted again"

job=$(sbatch --parsable --array="${layers[1]}" --ntasks-per-node=2 --cpus-per-task=1 --output="$work/array-%a.out" \
    slurm/array.sbatch "$config" "$work/array" "${selection[@]}" --artifacts "$work/array/artifacts") ||
    problems+=("sbatch refuses the job")
await_end
states=$(scontrol show job "$job" 2>/dev/null | tr ' ' '\n' | sed -n 's/^JobState=//p' | sort -u)
[ "$states" = COMPLETED ] || problems+=("the jobs ended as ${states//$'\n'/, }")
mkdir -p "$work/array/run/eval_results"
cp -r "$work"/array/layer-*/eval_results "$work/array/run/"
(head -n 1 -q "$work"/array/layer-*/results.csv | head -n 1
    tail -n +2 -q "$work"/array/layer-*/results.csv) >"$work/array/run/results.csv"
# The id of an evaluation is that of its run.
lines() { grep -v '"eval_id"' "$@" | LC_ALL=C sort; }
results array | lines | cmp -s - <(lines "$work/expected") || problems+=("results differ")
report "an array of the layers ${layers[1]}" "$work/array-1.out"

submission=(submit "$config" --nodes 2 --time 10:00 --ranks-per-node 1 --cpus-per-rank 1
    "${selection[@]}" "${layers[@]}")
# shellcheck disable=SC2046
"$program" "${submission[@]}" --dry-run $(folders dry) >"$work/dry.sbatch" 2>"$work/output" &&
    sbatch --test-only "$work/dry.sbatch" >>"$work/output" 2>&1 || problems+=("--dry-run is refused")
[ ! -e "$work/dry" ] || problems+=("--dry-run wrote something")
report "a script that sbatch --test-only accepts" "$work/output"
# shellcheck disable=SC2046
"$program" "${submission[@]}" --requeue 0 $(folders submitted) >"$work/output" 2>&1 ||
    problems+=("submit fails: $(tail -n 3 "$work/output")")
job=$(sed -n 's/^Job \([0-9]*\),.*/\1/p' "$work/output")
await_unit submitted
"$program" status "$work/submitted/run" >"$work/status" || problems+=("no status")
grep -q '^running: rank ' "$work/status" || problems+=("status tells of no running rank")
scancel --signal=USR1 "$job"
await_end
[ "$(field ExitCode)" = 75:0 ] || problems+=("no requeue left, and exit code $(field ExitCode)")
[ "$(field Restarts)" = 0 ] || problems+=("requeued $(field Restarts) times of at most 0")
job=$(sbatch --parsable "$work/submitted/run/job.sbatch") || problems+=("sbatch refuses the job")
await_end
cp "$work/submitted/run/slurm-$job.out" "$work/submitted/job.out" 2>/dev/null || problems+=("no output")
conclude submitted "saeval submit with no requeue, and its script again"

echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
