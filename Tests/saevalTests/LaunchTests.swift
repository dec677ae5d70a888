import Basics
import Foundation
import Testing

extension ProgramTests {
    /// Starts by other launchers than `mpirun` and `srun --mpi=pmix`.
    @Suite("Launchers")
    struct LaunchTests {
        /// What `srun` without PMIx sets for a task.
        static func step(task: Int, of tasks: Int) -> [String: String] {
            [
                "SLURM_JOB_ID": "123", "SLURM_JOBID": "123", "SLURM_STEP_ID": "0",
                "SLURM_STEPID": "0", "SLURM_PROCID": "\(task)", "SLURM_LOCALID": "\(task)",
                "SLURM_NTASKS": "\(tasks)", "SLURM_NPROCS": "\(tasks)", "SLURM_NODEID": "0",
                "SLURM_STEP_NUM_TASKS": "\(tasks)", "SLURM_NODELIST": "nodeA",
                "SLURM_TASKS_PER_NODE": "\(tasks)",
            ]
        }

        @Test("An interactive Slurm shell, which is one task without PMIx, runs on one rank")
        func interactive() throws {
            let bench = try Workbench()
            let ending = try bench.saeval(
                bench.tiny(), variables: Self.step(task: 0, of: 1))
            #expect(ending.status == 0, "\(ending)")
            #expect(ending.errors.isEmpty, "\(ending)")
        }

        @Test("One rank in a job of several tasks is told how to start them all")
        func batch() throws {
            let bench = try Workbench()
            let ending = try bench.saeval(
                bench.tiny(), variables: ["SLURM_JOB_ID": "123", "SLURM_NTASKS": "8"])
            #expect(ending.status == 0, "\(ending)")
            #expect(ending.errors.contains("this job has 8 tasks, and one rank runs"), "\(ending)")
        }

        @Test(
            "Without a /dev/shm to write to, ranks run and give the same bytes",
            .enabled(
                if: BundleTests.hasNamespaces, "no mount namespaces here: they need CAP_SYS_ADMIN"))
        func noSharedMemory() throws {
            let bench = try Workbench()
            let identity = geteuid() == 0 ? [] : ["--user", "--map-root-user"]
            let line = "mount -t tmpfs -o ro none /dev/shm && exec \"$@\""
            let ending = try RunningProgram(
                ["unshare"] + identity + ["--mount", "sh", "-c", line, "sh"]
                    + Program.onRanks(2, bench.tiny()), folder: bench.path
            ).ending()
            #expect(ending.status == 0, "\(ending)")
            let other = try Workbench()
            #expect(try other.saeval(other.tiny()).status == 0)
            #expect(try bench.results().differences(from: other.results()) == [])
        }

        /// Launchers whose processes MPI cannot bring together.
        static let others: [(name: String, variables: @Sendable (Int) -> [String: String])] = [
            ("srun", { step(task: $0, of: 2) }),
            ("mpiexec of MPICH", { ["PMI_RANK": "\($0)", "PMI_SIZE": "2"] }),
            ("another mpirun", { ["OMPI_COMM_WORLD_RANK": "\($0)", "OMPI_COMM_WORLD_SIZE": "2"] }),
        ]

        @Test(
            "Processes that do not find each other end with 64, and one of them says why",
            arguments: others.map(\.name))
        func together(launcher: String) throws {
            let bench = try Workbench()
            let variables = try #require(Self.others.first { $0.name == launcher }?.variables)
            let endings = try (0..<2).map { rank in
                try bench.start(bench.tiny(), variables: variables(rank))
            }.map { try $0.ending() }
            #expect(endings.map(\.status) == [64, 64], "\(endings)")
            #expect(endings[0].errors.split(separator: "\n").count == 1, "\(endings)")
            #expect(endings[0].errors.contains(" Try: the `mpirun`") != (launcher == "srun"))
            #expect(endings[0].errors.contains("srun --mpi=pmix"), "\(endings)")
            #expect(endings[1].errors.isEmpty, "\(endings)")
            #expect(!folderExists(bench.output))
        }
    }
}
