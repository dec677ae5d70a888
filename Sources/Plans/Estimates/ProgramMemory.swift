import Basics

/// What the program takes before its first task.
public enum ProgramMemory {
    /// What begins with the first tasks: files open through MPI and HDF5, threads, and what the
    /// allocator keeps for them.
    static let startBytes = 8 << 20
    /// What the allocator keeps in small pieces of the tasks of one evaluation while those of others
    /// run: 3 to 6 MiB, measured with the five evaluations of the quickstart together and alone.
    static let keptBytesOfEvaluation = 4 << 20
    /// What MPI takes, which plans do without.
    static let messagingBytes = 8 << 20

    /// The bytes of this process that will be there during a run as well, measured after planning.
    ///
    /// - Parameter hasMessaging: whether MPI has begun in this process.
    public static func measured(hasMessaging: Bool) -> Int {
        let round = 1 << 20
        let bytes =
            ProcessMemory().residentBytes + startBytes + (hasMessaging ? 0 : messagingBytes)
        return (bytes + round / 2) / round * round
    }
}

extension PlanMemory {
    /// The share of memory in use by which kept blocks exceed it, half of the most.
    static let keptShare = 1.0 / 32
}
