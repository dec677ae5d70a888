import Glibc

/// The rank that a launcher such as `mpirun` or `srun` gave this process, told by its environment
/// without starting MPI; 0 without a launcher.
public func launchedRank(
    environment: (String) -> String? = { name in getenv(name).map { String(cString: $0) } }
) -> Int {
    for name in ["OMPI_COMM_WORLD_RANK", "PMIX_RANK", "PMI_RANK", "SLURM_PROCID"] {
        if let rank = environment(name).flatMap({ Int($0) }) { return rank }
    }
    return 0
}
