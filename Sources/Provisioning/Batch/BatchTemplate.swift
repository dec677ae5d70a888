/// The scripts under `slurm/` that `saeval submit` fills in, word for word.
///
/// A test compares them with the files.
enum BatchTemplate {
    /// `slurm/cpu.sbatch`: ranks on cores.
    static let cpu = cpuResources + common

    /// `slurm/gpu.sbatch`: one rank for each GPU.
    static let gpu = gpuResources + common

    /// What CPU nodes are asked for.
    private static let cpuResources =
        #"""
        #!/bin/bash
        # Runs a config on CPU nodes, and goes on by itself where a time limit stopped it.
        #
        #   sbatch slurm/cpu.sbatch configs/quickstart.yaml
        #   sbatch --nodes=8 --time=12:00:00 --account=me slurm/cpu.sbatch my.yaml --output runs/mine
        #
        # Options of sbatch go over the lines below. After the script come a config and flags of
        # `saeval run`. `saeval submit` fills in this script and submits it.

        # The name that squeue shows.
        #SBATCH --job-name=saeval
        # How many machines.
        #SBATCH --nodes=2
        # Ranks on each. All of them work; rank 0 hands out the work besides, which takes no core.
        #SBATCH --ntasks-per-node=8
        # Cores of a rank, one thread each. The ranks of a node share the model's weights, but each holds
        # activations of its own: where memory is short, take fewer ranks with more cores.
        #SBATCH --cpus-per-task=4

        """#

    /// What GPU nodes are asked for.
    private static let gpuResources =
        #"""
        #!/bin/bash
        # Runs a config on GPU nodes, one rank for each GPU, and goes on by itself where a time limit
        # stopped it.
        #
        #   sbatch slurm/gpu.sbatch configs/quickstart.yaml
        #   sbatch --nodes=4 --ntasks-per-node=8 --account=me slurm/gpu.sbatch my.yaml --output runs/mine
        #
        # Options of sbatch go over the lines below. After the script come a config and flags of
        # `saeval run`. `saeval submit --gpus-per-node` fills in this script and submits it.
        #
        # `device: auto` takes the GPUs where every rank has one; `--device cuda` after the config refuses to
        # run without. CUDA's libraries are looked for by the system, in CUDA_HOME and in Python's packages, and
        # first of all in the folders that SAEVAL_CUDA_LIBRARIES names.

        # The name that squeue shows.
        #SBATCH --job-name=saeval
        # How many machines.
        #SBATCH --nodes=1
        # Ranks on each: as many as it has GPUs. All of them work; rank 0 hands out the work besides.
        #SBATCH --ntasks-per-node=4
        # One GPU for each rank, and each rank sees its own alone.
        #SBATCH --gpus-per-task=1
        #SBATCH --gpu-bind=per_task:1
        # Cores of a rank, one thread each: a share of the node's cores.
        #SBATCH --cpus-per-task=8

        """#

    /// What is the same for both: limits, the run itself and the way back into the queue.
    private static let common =
        #"""
        # Memory for each core. `saeval plan CONFIG` tells what a rank needs.
        #SBATCH --mem-per-cpu=4G
        # One thread on each core: arithmetic gains nothing from the second hardware thread.
        #SBATCH --hint=nomultithread
        # How long one start may take, in hours, minutes and seconds. The work may take longer, see below.
        #SBATCH --time=04:00:00
        # At least 120 seconds before that limit all ranks get USR1: they finish what they have begun, and
        # the run ends with code 75. Slurm looks at limits every 30 seconds, so it may come earlier.
        #SBATCH --signal=USR1@120
        # The job may go back into the queue: after code 75, and when a node fails.
        #SBATCH --requeue
        # What the program says, in the folder where sbatch was called; a requeued job writes on in the
        # same file.
        #SBATCH --output=%x-%j.out
        #SBATCH --open-mode=append

        # An error in this script ends it, and so does a variable that is not set.
        set -euo pipefail

        # The config, and flags of `saeval run` after it.
        config=${1:?"name a config, such as configs/quickstart.yaml"}
        shift
        # The program.
        program=${SAEVAL:-.build/release/saeval}
        # How often the job goes back into the queue.
        requeues=5
        # How long work may go on after USR1: less than the time between the signal and the limit.
        stop_within=90

        # What a site needs before the program can start goes here, such as `module load openmpi`.

        # srun does not take the cores of a rank from the job by itself.
        export SRUN_CPUS_PER_TASK=${SLURM_CPUS_PER_TASK:-1}
        # Ranks that wait let others work where there are more ranks than cores.
        export OMPI_MCA_mpi_yield_when_idle=1

        # One rank for each task; Open MPI starts through PMIx.
        code=0
        srun --mpi=pmix "$program" run "$config" --threads "$SRUN_CPUS_PER_TASK" \
            --stop-within "$stop_within" "$@" || code=$?

        # Code 75 says: stopped early and resumable. The job goes back into the queue, and when it starts
        # again it does what is left. Everything else ends here: 0 done, 1 something failed, 64 wrong usage.
        if [ "$code" -eq 75 ] && [ "${SLURM_RESTART_COUNT:-0}" -lt "$requeues" ]; then
            echo "saeval: requeue $((${SLURM_RESTART_COUNT:-0} + 1)) of at most $requeues" >&2
            scontrol requeue "$SLURM_JOB_ID"
        fi
        exit "$code"

        """#
}
