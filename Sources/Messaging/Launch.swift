import CMPI
import Glibc

/// How this process was started, told by its environment before MPI starts.
///
/// What Open MPI makes of a start that it cannot follow is a page on how to build it, or as many runs as
/// there are processes, each of one rank.
struct Launch: Equatable {
    /// Processes that a launcher started together; 1 without a launcher.
    var processes = 1
    /// Variables that would make Open MPI wait for a launcher where one process is all there is.
    var misleading: [String] = []
    /// What a user should know who has more processors than this process will use.
    var notice: String?

    /// Looks at the environment.
    ///
    /// - Parameter understandsPMI: whether Open MPI can talk to launchers that offer PMI and no PMIx.
    /// - Throws: ``MessagingError`` for a Slurm step of several tasks which Open MPI cannot connect.
    init(
        environment: (String) -> String?, understandsPMI: () -> Bool
    ) throws(MessagingError) {
        func count(_ names: String...) -> Int? {
            names.compactMap { environment($0).flatMap { Int($0) } }.first { $0 > 0 }
        }
        if let size = count("OMPI_COMM_WORLD_SIZE") {
            processes = size
            return
        }
        let steps = ["SLURM_STEP_ID", "SLURM_STEPID"].filter { environment($0) != nil }
        guard !steps.isEmpty else {
            processes = count("PMI_SIZE") ?? 1
            if let tasks = count("SLURM_NTASKS"), tasks > 1, processes == 1 {
                notice =
                    "this job has \(tasks) tasks, and one rank runs; "
                    + "`srun --mpi=pmix saeval run …` runs one for each"
            }
            return
        }
        let tasks = count("SLURM_STEP_NUM_TASKS", "SLURM_NTASKS", "SLURM_NPROCS") ?? 1
        processes = tasks
        if environment("PMIX_RANK") != nil { return }
        if environment("PMI_RANK") != nil, understandsPMI() { return }
        guard tasks == 1 else {
            throw MessagingError(
                .launch,
                "`srun` started \(tasks) tasks without PMIx, so they cannot find each other",
                advice:
                    "`srun --mpi=pmix saeval run …`, or `mpirun saeval run …` in a job or shell "
                    + "of `sbatch` or `salloc`")
        }
        misleading = steps
    }

    /// Refuses ranks that were started together and do not find each other.
    ///
    /// - Parameter size: ranks that MPI found.
    func check(size: Int) throws(MessagingError) {
        guard size == 1, processes > 1 else { return }
        throw MessagingError(
            .launch,
            "\(processes) processes were started together, and MPI finds each of them alone",
            advice: "the `mpirun` of the Open MPI that this program uses (\(Self.library)), or "
                + "`srun --mpi=pmix`")
    }

    /// Starts MPI, in an environment without what misleads it.
    func withoutMisleadingVariables(_ body: () throws(MessagingError) -> Void)
        throws(MessagingError)
    {
        let kept = misleading.map { ($0, getenv($0).map { String(cString: $0) }) }
        for name in misleading { unsetenv(name) }
        defer { for case (let name, let value?) in kept { setenv(name, value, 1) } }
        try body()
    }
}

// MARK: - Open MPI's files

extension Launch {
    /// The file of the MPI library that this program uses.
    static let library: String = {
        guard let maps = fopen("/proc/self/maps", "r") else { return "libmpi" }
        defer { fclose(maps) }
        var line = [CChar](repeating: 0, count: Int(PATH_MAX) + 256)
        while fgets(&line, Int32(line.count), maps) != nil {
            let bytes = line.prefix { $0 != 0 && $0 != 10 }.map(UInt8.init(bitPattern:))
            let text = String(decoding: bytes, as: UTF8.self)
            if text.contains("/libmpi.so"), let slash = text.firstIndex(of: "/") {
                return String(text[slash...])
            }
        }
        return "libmpi"
    }()

    /// Whether Open MPI was built for PMI-1 or PMI-2; true where its plugins are not found, since it
    /// may have them built in.
    static func understandsPMI() -> Bool {
        let folder = library.split(separator: "/").dropLast().map { "/\($0)" }.joined()
        let given = getenv("OMPI_MCA_mca_base_component_path").map { String(cString: $0) } ?? ""
        let folders =
            given.split(separator: ":").map(String.init)
            + ["openmpi3", "openmpi", "openmpi/lib/openmpi3"].map { "\(folder)/\($0)" }
        let plugins = folders.first { access("\($0)/mca_pmix_isolated.so", F_OK) == 0 }
        guard let plugins else { return true }
        return ["s1", "s2"].contains { access("\(plugins)/mca_pmix_\($0).so", F_OK) == 0 }
    }
}
