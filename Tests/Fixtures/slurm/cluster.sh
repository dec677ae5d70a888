#!/bin/bash
# A private Slurm cluster of two nodes on this machine, all of it below one folder.
#
#   Tests/Fixtures/slurm/cluster.sh start FOLDER     returns when both nodes are idle
#   export SLURM_CONF=FOLDER/slurm.conf              what sbatch, squeue and the others need
#   Tests/Fixtures/slurm/cluster.sh stop FOLDER      ends its four daemons and nothing else
#
# It needs slurmctld, slurmd, munged and nothing of a system's own Slurm or munge: key, sockets,
# logs and state lie in FOLDER, whose path should be short, since it is part of socket names. Ports
# are free ones. Both nodes are this host under the names n1 and n2, with as many cores each as it
# has; memory is not counted. Jobs run as the user who starts the cluster.
set -u
export PATH="$PATH:/usr/sbin:/sbin"

action=${1:?usage: cluster.sh start|stop FOLDER}
folder=${2:?usage: cluster.sh start|stop FOLDER}

# A port of this host that nobody listens on; each call gives another one.
next_port=$((20000 + RANDOM % 30000))
free_port() {
    while (exec 3<>"/dev/tcp/127.0.0.1/$next_port") 2>/dev/null; do next_port=$((next_port + 1)); done
    echo "$next_port"
}

write_configuration() {
    local host cores user controller node1 node2
    host=$(hostname -s)
    cores=$(nproc)
    user=$(id -un)
    controller=$(free_port)
    next_port=$((controller + 1))
    node1=$(free_port)
    next_port=$((node1 + 1))
    node2=$(free_port)
    cat >"$folder/slurm.conf" <<END
ClusterName=sandbox
SlurmctldHost=$host(127.0.0.1)
SlurmctldPort=$controller
SlurmUser=$user
SlurmdUser=$user
AuthType=auth/munge
CredType=cred/munge
# A requeued job waits as long as its old credentials are good, 120 seconds if nothing is said.
AuthInfo=socket=$folder/run/munge.socket,cred_expire=5
StateSaveLocation=$folder/state
SlurmdSpoolDir=$folder/spool/%n
# Two nodes on one host must not share the folder of PMIx.
TmpFS=$folder/tmp/%n
SlurmctldPidFile=$folder/run/slurmctld.pid
SlurmdPidFile=$folder/run/slurmd-%n.pid
SlurmctldLogFile=$folder/log/slurmctld.log
SlurmdLogFile=$folder/log/slurmd-%n.log
# Time limits are looked at every 30 seconds; this level puts each look into the log.
SlurmctldDebug=debug2
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
MpiDefault=none
SchedulerType=sched/backfill
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
SchedulerParameters=batch_sched_delay=0,sched_interval=2,bf_interval=2
ReturnToService=2
SlurmdParameters=config_overrides
SwitchType=switch/none
LaunchParameters=disable_send_gids
MessageTimeout=30
KillWait=5
GresTypes=gpu
NodeName=n1 NodeHostname=$host NodeAddr=127.0.0.1 Port=$node1 CPUs=$cores Boards=1 SocketsPerBoard=1 CoresPerSocket=$cores ThreadsPerCore=1 RealMemory=64000 Gres=gpu:2 State=UNKNOWN
NodeName=n2 NodeHostname=$host NodeAddr=127.0.0.1 Port=$node2 CPUs=$cores Boards=1 SocketsPerBoard=1 CoresPerSocket=$cores ThreadsPerCore=1 RealMemory=64000 Gres=gpu:2 State=UNKNOWN
PartitionName=main Nodes=ALL Default=YES MaxTime=INFINITE State=UP OverSubscribe=NO
END
    # Two devices that are no GPUs stand for some, so that scripts that ask for GPUs can be tested.
    for name in n1 n2; do echo "NodeName=$name Name=gpu File=/dev/null,/dev/zero"; done >"$folder/gres.conf"
    printf 'CgroupPlugin=cgroup/v1\nConstrainCores=no\n' >"$folder/cgroup.conf"
}

# Starts a daemon that stays in the foreground, and notes its process.
launch() { # name command...
    local name=$1
    shift
    "$@" >"$folder/log/$name.output" 2>&1 </dev/null &
    echo $! >"$folder/run/$name.process"
}

complain() {
    echo "cluster.sh: $1" >&2
    tail -n 5 "$folder"/log/* >&2
    stop
    exit 1
}

# Waits up to ten seconds until a command succeeds.
await() { # command...
    for _ in $(seq 100); do
        "$@" >/dev/null 2>&1 && return 0
        sleep 0.1
    done
    return 1
}

both_idle() { [ "$(sinfo -h -N -o '%N %T' | grep -c ' idle$')" = 2 ]; }

start() {
    mkdir -p "$folder"/{state,log,run,spool/n1,spool/n2,tmp/n1,tmp/n2} || exit 1
    chmod 755 "$folder" "$folder/run"
    folder=$(cd "$folder" && pwd)
    write_configuration
    export SLURM_CONF=$folder/slurm.conf
    (umask 077 && head -c 1024 /dev/urandom >"$folder/munge.key")
    launch munged munged --force --foreground --key-file="$folder/munge.key" \
        --socket="$folder/run/munge.socket" --pid-file="$folder/run/munged.pid" \
        --seed-file="$folder/munge.seed" --log-file="$folder/log/munged.log"
    await test -S "$folder/run/munge.socket" || complain "munged does not answer"
    launch slurmctld slurmctld -D -f "$SLURM_CONF"
    launch slurmd-n1 slurmd -D -N n1 -f "$SLURM_CONF"
    launch slurmd-n2 slurmd -D -N n2 -f "$SLURM_CONF"
    await both_idle || complain "the nodes are not idle after ten seconds"
}

# Ends the daemons that were started here: those whose process still has the name it was noted with.
stop() {
    local note pid name
    for name in slurmd-n1 slurmd-n2 slurmctld munged; do
        note="$folder/run/$name.process"
        [ -f "$note" ] || continue
        pid=$(cat "$note")
        [ "$(cat "/proc/$pid/comm" 2>/dev/null)" = "${name%-n?}" ] || continue
        kill "$pid" 2>/dev/null
        for _ in $(seq 50); do kill -0 "$pid" 2>/dev/null || break; sleep 0.1; done
        kill -9 "$pid" 2>/dev/null
    done
    # Jobs that outlived the daemons.
    for note in "$folder"/run/*.process; do rm -f "$note"; done
}

case $action in
start) start ;;
stop) stop ;;
*)
    echo "usage: cluster.sh start|stop FOLDER" >&2
    exit 64
    ;;
esac
