import EmulatedGPU
import Foundation
import Testing

extension ProgramTests {
    /// How the program leaves: nothing of it runs beside or after the exit handlers of libraries.
    @Suite("Ends")
    struct EndTests {
        /// `unjoined_threads.c`, compiled once; nil without a C compiler.
        static let unjoined: Workbench? = {
            guard let bench = try? Workbench() else { return nil }
            let compile = try? RunningProgram(
                [
                    "cc", "-O1", "-shared", "-fPIC", "-o", bench.file("unjoined.so"),
                    "\(Program.root)/Tests/Fixtures/faults/unjoined_threads.c", "-ldl",
                ], folder: bench.path)
            guard let ending = try? compile?.ending() else { return nil }
            #expect(ending.status == 0, "\(ending)")
            return ending.status == 0 ? bench : nil
        }()

        /// A way to leave.
        enum Way: String, CaseIterable {
            case done, someFailed, wrongConfig, stopped

            var status: Int32 {
                switch self {
                case .done: 0
                case .someFailed: 1
                case .wrongConfig: 64
                case .stopped: 75
                }
            }
        }

        /// The arguments of a run over two autoencoders, one of which is damaged.
        static func withDamaged(_ bench: Workbench, _ more: [String] = []) throws -> [String] {
            let folder = "configs/quickstart/saes/sae_lens/toyworld-res"
            try bench.copy("\(folder)/blocks.1.hook_resid_post__topk", to: "saes/good")
            let wrong = try bench.copy(
                "\(folder)/blocks.1.hook_resid_post__relu", to: "saes/wrong")
            try truncateFile("\(wrong)/sae_weights.safetensors", to: 1000)
            return bench.tiny(more, saes: bench.file("saes"))
        }

        /// Runs the program until it leaves in that way.
        static func ending(
            _ way: Way, _ bench: Workbench, _ arguments: [String], ranks: Int?,
            variables: [String: String]
        ) throws -> Ending {
            let run = try bench.start(arguments, ranks: ranks, variables: variables)
            if way == .stopped {
                try run.wait(for: "block", in: bench.output + "/log.jsonl")
                run.send(ranks == nil ? SIGTERM : SIGUSR1)
            }
            let ending = try run.ending()
            #expect(ending.status == way.status, "\(ending)")
            return ending
        }

        @Test(
            "Every thread is joined before the exit handlers run",
            .enabled(if: Program.find("cc") != nil, "there is no C compiler"),
            arguments: Way.allCases, [nil, 2])
        func threads(way: Way, ranks: Int?) throws {
            let library = try #require(Self.unjoined).file("unjoined.so")
            let bench = try Workbench()
            var arguments = way == .stopped ? FaultTests.longer(bench) : bench.tiny()
            if way == .wrongConfig { arguments += ["--set", "core.context_size=none"] }
            if way == .someFailed { arguments = try Self.withDamaged(bench) }
            let ending = try Self.ending(
                way, bench, arguments, ranks: ranks, variables: ["LD_PRELOAD": library])
            let counts = ending.errors.split(separator: "\n").filter { $0.hasPrefix("unjoined: ") }
            #expect(counts.allSatisfy { $0.hasPrefix("unjoined: 0 of ") }, "\(counts)")
            // Those that a rank of a run starts: the watch over the start and the heartbeat at least.
            let ran = counts.filter { !$0.hasSuffix(" 0 of 0 threads") }
            #expect(ran.count == ranks ?? 1, "\(ending)")
        }

        @Test(
            "A slow GPU has got everything back before the exit handlers run",
            .enabled(if: EmulatedGPU.folder != nil, Comment(rawValue: EmulatedGPU.absence)),
            arguments: Way.allCases, [nil, 2])
        func devices(way: Way, ranks: Int?) throws {
            let bench = try Workbench()
            var variables = emulatedGPU(bench)
            variables["SAEVAL_EMULATOR_STRICT"] = "1"
            variables["SAEVAL_EMULATOR_SLOW"] = "10"
            var arguments = bench.small(["--device", "cuda", "--layers", "2"], sparsityBatches: 4)
            if way == .someFailed { arguments = try Self.withDamaged(bench, ["--device", "cuda"]) }
            if way == .wrongConfig { arguments += ["--set", "core.dataset=no/such"] }
            let ending = try Self.ending(
                way, bench, arguments, ranks: ranks, variables: variables)
            #expect(!ending.errors.contains("CUDA emulator"), "\(ending)")
        }
    }
}
