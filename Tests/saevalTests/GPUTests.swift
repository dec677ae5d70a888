import EmulatedGPU
import Testing

/// What a program needs to find the emulated GPU.
///
/// - Parameter variant: one that lacks something.
func emulatedGPU(_ bench: Workbench, variant: String = "") -> [String: String] {
    [
        "SAEVAL_CUDA_LIBRARIES": "\(EmulatedGPU.folder ?? "")/\(variant)",
        "XDG_CACHE_HOME": bench.file("cache"),
    ]
}

extension ProgramTests {
    /// Runs on GPUs, and what is said where there is none.
    @Suite(
        "GPUs",
        .enabled(if: EmulatedGPU.folder != nil, Comment(rawValue: EmulatedGPU.absence)))
    struct GPUTests {
        @Test("Two ranks that share a GPU give the bytes of one, which are not the processor's")
        func ranks() throws {
            var all: [RunResults] = []
            for ranks in [nil, 2] {
                let bench = try Workbench()
                let ending = try bench.saeval(
                    bench.small(["--device", "cuda", "--layers", "2"], sparsityBatches: 4),
                    ranks: ranks, variables: emulatedGPU(bench))
                #expect(ending.status == 0, "\(ending)")
                #expect(
                    ending.errors.contains("computing on \(ranks == nil ? "" : "2 × ")Emulated"))
                all.append(try bench.results())
            }
            #expect(all[1].differences(from: all[0]) == [])
            let bench = try Workbench()
            let ending = try bench.saeval(bench.small(["--layers", "2"], sparsityBatches: 4))
            #expect(ending.status == 0, "\(ending)")
            #expect(try bench.results().differences(from: all[0]) != [])
        }

        @Test("A second run on a GPU takes what the first one kept, and the kernels too")
        func again() throws {
            let bench = try Workbench()
            let arguments = bench.small(["--device", "cuda", "--layers", "2"], sparsityBatches: 4)
            let first = try bench.saeval(arguments, variables: emulatedGPU(bench))
            #expect(first.status == 0, "\(first)")
            #expect(first.errors.contains("kernels compiled by NVRTC"), "\(first)")
            let second = try bench.saeval(arguments, variables: emulatedGPU(bench))
            #expect(second.status == 0 && second.errors.contains("kernels kept at"), "\(second)")
            #expect(second.output == first.output)
        }

        @Test(
            "Where something is missing, auto says it in one sentence and takes the processor",
            arguments: [
                ("no-cublas", "computing on the CPU: cuBLAS cannot be opened"),
                ("no-device", "computing on the CPU: cuInit failed with 100"),
                ("missing-symbol", "has no cuLaunchKernel"),
            ])
        func missing(variant: String, sentence: String) throws {
            let bench = try Workbench()
            let ending = try bench.saeval(
                bench.small(["--layers", "2"], sparsityBatches: 4),
                variables: emulatedGPU(bench, variant: variant))
            #expect(ending.status == 0, "\(ending)")
            #expect(ending.errors.contains(sentence), "\(ending)")
            #expect(!ending.errors.contains("Emulated GPU"))
        }

        @Test(
            "Where something is missing, cuda is refused with that sentence",
            arguments: ["run", "check"])
        func refused(command: String) throws {
            let bench = try Workbench()
            let ending = try bench.saeval(
                bench.small(["--device", "cuda"], command: command),
                variables: emulatedGPU(bench, variant: "no-cublas"))
            #expect(ending.status == 64, "\(ending)")
            #expect(ending.errors.contains("cuBLAS cannot be opened"), "\(ending)")
        }

        @Test("Where a GPU's memory ends, the work goes on in smaller pieces")
        func smallMemory() throws {
            let bench = try Workbench()
            var variables = emulatedGPU(bench)
            variables["SAEVAL_EMULATOR_MEMORY"] = "\(44 << 20)"
            let ending = try bench.saeval(
                bench.small(["--device", "cuda", "--layers", "2"], sparsityBatches: 4),
                variables: variables)
            #expect(ending.status == 0, "\(ending)")
            #expect(ending.errors.contains("The GPU has no memory for"), "\(ending)")
            #expect(ending.errors.contains("tokens at a time"))
        }
    }
}
