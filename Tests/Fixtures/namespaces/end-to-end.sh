#!/bin/bash
# Runs the toy world under mpirun on two "hosts": two network namespaces with names and addresses of
# their own, between which there is TCP and nothing else.
#
#   SAEVAL_BINARY=.build/release/saeval Tests/Fixtures/namespaces/end-to-end.sh [CONFIG]
#
# mpirun starts in the first namespace and reaches the second through an rsh agent that enters it;
# ranks find no shared memory, because each host has its own /dev/shm, and no other way than the
# pair of virtual network devices. Checked: rank 0 and the last rank ran on different hosts, bytes
# went over the devices, and the results are those of one rank, times aside.
#
# Prints `N passed, M failed`; exit code 1 when M is not 0, 77 when namespaces are not allowed here.
set -u
export PATH="$PATH:/usr/sbin:/sbin"

program=$(readlink -f "${SAEVAL_BINARY:?set SAEVAL_BINARY to the built program}")
cd "$(dirname "$0")/../../.." || exit 1
folder=$PWD
for name in ip nsenter unshare mpirun; do
    command -v $name >/dev/null || { echo "skipped: $name is not installed"; exit 77; }
done

# Nothing of an MPI run or a batch job around this one.
for name in $(compgen -e | grep -E '^(OMPI_|PMIX_|ORTE_|SLURM_|SAEVAL_)'); do unset "$name"; done
export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1 SWIFT_BACKTRACE=enable=no

work=$(mktemp -d /tmp/saeval-hosts-XXXXXX)
first=
second=
finish() {
    for pid in $first $second; do kill "$pid" 2>/dev/null; done
    rm -rf "$work"
}
trap finish EXIT
trap 'exit 1' INT TERM

# Makes a host: a process that holds the namespaces; writes its number into a file.
host() { # name
    mkdir -p "$work/$1"
    unshare --net --uts --ipc --mount bash -c '
        hostname "$1" && mount -t tmpfs tmpfs /dev/shm && ip link set lo up && echo $$ >"$2/pid" &&
            exec sleep 3600' host "$1" "$work/$1" 2>"$work/$1/errors" &
    for _ in $(seq 50); do
        [ -s "$work/$1/pid" ] && return 0
        kill -0 $! 2>/dev/null || break
        sleep 0.1
    done
    echo "skipped: no namespaces of its own for a host: $(tr '\n' ' ' <"$work/$1/errors")"
    exit 77
}

# Runs a command on a host.
on() { # pid command...
    local pid=$1
    shift
    nsenter --target "$pid" --net --uts --ipc --mount -- env -C "$folder" "$@"
}

host saeval-host-1
first=$(cat "$work/saeval-host-1/pid")
host saeval-host-2
second=$(cat "$work/saeval-host-2/pid")
if ! {
    on "$first" ip link add veth1 type veth peer name veth2 &&
        on "$first" ip link set veth2 netns "$second" &&
        on "$first" ip address add 10.77.0.1/24 dev veth1 && on "$first" ip link set veth1 up &&
        on "$second" ip address add 10.77.0.2/24 dev veth2 && on "$second" ip link set veth2 up &&
        on "$first" bash -c 'for _ in $(seq 50); do (exec 3<>/dev/tcp/10.77.0.2/9) 2>/dev/null
            [ "$(cat /sys/class/net/veth1/operstate 2>/dev/null)" = up ] && exit 0; sleep 0.1; done; exit 0'
} 2>"$work/errors"; then
    echo "skipped: no devices between namespaces: $(tr '\n' ' ' <"$work/errors")"
    exit 77
fi

# What mpirun takes for rsh: enters the host of that address and runs the rest as a shell would.
cat >"$work/agent" <<END
#!/bin/bash
[ "\$1" = 10.77.0.2 ] || { echo "agent: unknown host \$1" >&2; exit 1; }
shift
exec nsenter --target $second --net --uts --ipc --mount -- bash -c "cd '$folder' && \$*"
END
chmod +x "$work/agent"

# The words of a run, one a line.
config=${1:-}
arguments() { # folder
    printf '%s\n' run "${config:-Tests/Fixtures/configs/core.yaml}" --output "$work/$1/run" \
        --artifacts "$work/$1/artifacts" --threads 1
    [ -n "$config" ] || printf '%s\n' --saes configs/quickstart/saes/sae_lens --match \
        '.*__(topk|jumprelu)' --layers 1,2
}

# Writes all results of a folder without their times.
results() { # folder
    (cd "$work/$1/run" && find results.csv eval_results -type f | LC_ALL=C sort | while read -r file; do
        echo "== $file"
        grep -v '"datetime_epoch_millis"' "$file"
    done) 2>&1
}

problems=()
mapfile -t alone < <(arguments alone)
"$program" "${alone[@]}" >"$work/output" 2>&1 || problems+=("one rank fails: $(tail -n 3 "$work/output")")

mapfile -t both < <(arguments both)
before=$(on "$second" cat /proc/net/dev | awk '/veth2:/ {print $2 + $10}')
started=$SECONDS
on "$first" timeout 300 mpirun -n 4 --host 10.77.0.1:2,10.77.0.2:2 --bind-to none --oversubscribe \
    --mca plm_rsh_agent "$work/agent" --mca plm_rsh_no_tree_spawn 1 --mca oob_tcp_if_include 10.77.0.0/24 \
    --mca btl tcp,self --mca btl_tcp_if_include 10.77.0.0/24 \
    "$program" "${both[@]}" >"$work/output" 2>&1
code=$?
seconds=$((SECONDS - started))
[ $code -eq 0 ] || problems+=("exit code $code: $(grep -m 5 saeval: "$work/output"; tail -n 10 "$work/output")")
bytes=$(($(on "$second" cat /proc/net/dev | awk '/veth2:/ {print $2 + $10}') - before))
[ "$bytes" -gt 10000 ] || problems+=("$bytes bytes went between the hosts")
results alone >"$work/expected"
results both | cmp -s - "$work/expected" || problems+=("results differ")
hosts=$(grep -ao '"hosts": \[[^]]*\]' "$work/both/run/log.jsonl" | head -n 1)
for name in saeval-host-1 saeval-host-2; do
    [[ $hosts == *$name* ]] || problems+=("no rank on $name: $hosts")
done

if [ ${#problems[@]} -eq 0 ]; then
    echo "four ranks on two hosts, $bytes bytes between them, $seconds s: the bytes of one rank"
    echo "1 passed, 0 failed"
else
    echo "FAILED:" "${problems[@]/%/;}"
    echo "0 passed, 1 failed"
    exit 1
fi
