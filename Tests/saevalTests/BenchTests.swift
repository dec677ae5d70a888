import Basics
import EmulatedGPU
import Foundation
import Testing

@testable import saeval

extension ProgramTests {
    /// `saeval bench` on an emulated GPU.
    @Suite("Benchmark")
    struct BenchTests {
        @Test(
            "bench --device cuda measures all operations, the model and the core evaluation",
            .enabled(if: EmulatedGPU.folder != nil, Comment(rawValue: EmulatedGPU.absence)))
        func gpu() throws {
            let bench = try Workbench()
            let file = bench.file("gpu.json")
            let ending = try bench.saeval(
                ["bench", "--device", "cuda", "--quick", "--json", file],
                variables: emulatedGPU(bench))
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
