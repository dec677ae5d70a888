import Testing

@testable import Messaging

/// What the environment says of a start, before MPI looks at it.
struct LaunchTests {
    /// A step of Slurm with some tasks.
    static func step(_ tasks: Int, _ more: [String: String] = [:]) -> [String: String] {
        [
            "SLURM_JOB_ID": "7", "SLURM_STEP_ID": "0", "SLURM_STEPID": "0", "SLURM_NTASKS": "8",
            "SLURM_STEP_NUM_TASKS": "\(tasks)", "SLURM_PROCID": "0",
        ].merging(more) { $1 }
    }

    /// A start and what becomes of it: processes, and whether Slurm's step is hidden from MPI.
    static let good: [(variables: [String: String], processes: Int, isHidden: Bool)] = [
        ([:], 1, false),
        (["OMPI_COMM_WORLD_SIZE": "3", "PMIX_RANK": "0"], 3, false),
        // mpirun within a step: its own size counts.
        (step(2, ["OMPI_COMM_WORLD_SIZE": "5", "PMIX_RANK": "0"]), 5, false),
        (step(4, ["PMIX_RANK": "1"]), 4, false),
        (step(1), 1, true),
        (step(1, ["PMI_RANK": "0", "PMI_SIZE": "1"]), 1, true),
        // A shell of salloc, and a batch script: no step.
        (["SLURM_JOB_ID": "7", "SLURM_NTASKS": "8"], 1, false),
        // MPICH's mpiexec.
        (["PMI_RANK": "2", "PMI_SIZE": "4"], 4, false),
        (["SLURM_STEP_ID": "0", "SLURM_NTASKS": "1"], 1, true),
        (["SLURM_STEP_ID": "0", "SLURM_STEP_NUM_TASKS": "many"], 1, true),
    ]

    @Test(
        "One task of a Slurm step without PMIx runs alone; others are left to MPI", arguments: good)
    func start(variables: [String: String], processes: Int, isHidden: Bool) throws {
        let launch = try Launch(environment: { variables[$0] }, understandsPMI: { false })
        #expect(launch.processes == processes)
        #expect(launch.misleading.isEmpty != isHidden)
        let hasTooFew = variables["SLURM_JOB_ID"] != nil && variables["SLURM_STEP_ID"] == nil
        #expect((launch.notice?.contains("has 8 tasks") == true) == hasTooFew)
    }

    @Test("Several tasks of a Slurm step that MPI cannot connect are refused", arguments: [2, 400])
    func refused(tasks: Int) throws {
        for more in [[:], ["PMI_RANK": "0", "PMI_SIZE": "\(tasks)"]] {
            let variables = Self.step(tasks, more)
            let error = try #require(throws: MessagingError.self) {
                try Launch(environment: { variables[$0] }, understandsPMI: { false })
            }
            #expect(error.code == .launch && error.message.contains("\(tasks) tasks"))
            #expect(error.advice?.contains("srun --mpi=pmix") == true)
        }
        let variables = Self.step(tasks, ["PMI_RANK": "0", "PMI_SIZE": "\(tasks)"])
        let launch = try Launch(environment: { variables[$0] }, understandsPMI: { true })
        #expect(launch.processes == tasks)
    }

    @Test("Processes that were started together and find themselves alone are refused")
    func alone() throws {
        let variables = ["PMI_RANK": "2", "PMI_SIZE": "4"]
        let launch = try Launch(environment: { variables[$0] }, understandsPMI: { false })
        try launch.check(size: 4)
        let error = try #require(throws: MessagingError.self) { try launch.check(size: 1) }
        #expect(error.code == .launch && error.message.hasPrefix("4 processes"))
        #expect(error.advice?.contains("libmpi") == true)
    }
}
