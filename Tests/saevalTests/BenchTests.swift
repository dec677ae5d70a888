import Basics
import Foundation
import Testing

@testable import saeval

extension ProgramTests {
    /// `saeval bench` on an emulated GPU.
    @Suite("Benchmark")
    struct BenchTests {
        /// Whether there is what compiles the emulated GPU.
        static let hasCompiler = ["clang++", "g++"].contains { Program.find($0) != nil }

        @Test(
            "bench --device cuda measures all operations, the model and the core evaluation",
            .enabled(if: hasCompiler, "there is no C++ compiler for the emulated GPU"))
        func gpu() throws {
            let bench = try Workbench()
            let emulator = bench.file("emulator")
            let built = try RunningProgram(
                ["bash", "Tests/Fixtures/cuda/build.sh", emulator], folder: bench.path
            ).ending(seconds: 300)
            #expect(built.status == 0, "\(built)")
            let file = bench.file("gpu.json")
            let ending = try bench.saeval(
                ["bench", "--device", "cuda", "--quick", "--json", file],
                variables: [
                    "SAEVAL_CUDA_LIBRARIES": emulator,
                    "XDG_CACHE_HOME": bench.file("cache"),
                ])
            #expect(ending.status == 0, "\(ending)")
            let json = try JSON(file: file)
            let lines = json["measurements"]?.elements ?? []
            for operation in [
                "product", "copy", "encode, jump relu", "decode, jump relu", "attention",
                "forward to blocks.1.hook_resid_post", "forward to the logits",
                "core, reconstruction, 8 autoencoders at blocks.1.hook_resid_post",
            ] {
                let line = lines.first { $0["operation"]?.text == operation }
                #expect((line?["fastest_seconds"]?.double ?? 0) > 0, "\(operation)")
                #expect((line?["rate"]?.double ?? 0) > 0, "\(operation)")
                #expect(ending.output.contains(operation))
            }
            #expect(ending.output.contains("of the time outside products"))
        }

        @Test("Flags of the GPU's benchmark are refused elsewhere")
        func wrongFlags() throws {
            let bench = try Workbench()
            let ending = try bench.saeval(["bench", "--json", bench.file("x.json")])
            #expect(ending.status == 64, "\(ending)")
            #expect(ending.errors.contains("--json belongs to --device cuda"), "\(ending)")
        }
    }
}
