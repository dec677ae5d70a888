import Testing

@testable import Activations
@testable import Basics
@testable import Plans
@testable import Runs

/// What ranks compute with.
@Suite struct DeviceChoiceTests {
    private func rank(_ host: String, gpu: String?, hasDriver: Bool = true) -> RankIntroduction {
        RankIntroduction(
            configuration: "same", host: host, processors: [], hasGPU: gpu != nil,
            device: gpu ?? "cuBLAS cannot be opened", kernels: "kernels of a test",
            hasDriver: hasDriver)
    }

    @Test("GPUs are used where every rank has one, and told by kind")
    func all() throws {
        let ranks = [rank("a", gpu: "H100"), rank("b", gpu: "A100"), rank("b", gpu: "A100")]
        for device in ["auto", "cuda"] {
            let choice = try DeviceChoice(device: device, ranks: ranks)
            #expect(choice.usesGPU)
            #expect(choice.note == "computing on 3 × A100; H100, kernels of a test")
        }
        #expect(try DeviceChoice(device: "cpu", ranks: ranks).usesGPU == false)
    }

    @Test("A rank without a GPU makes all compute on processors, and cuda an error that names it")
    func some() throws {
        let ranks = [rank("a", gpu: "H100"), rank("b", gpu: nil)]
        let choice = try DeviceChoice(device: "auto", ranks: ranks)
        #expect(!choice.usesGPU)
        #expect(choice.note == "computing on the CPU: rank 1 on b: cuBLAS cannot be opened")
        let error = #expect(throws: RunError.self) {
            try DeviceChoice(device: "cuda", ranks: ranks)
        }
        #expect(error?.message.contains("rank 1 on b: cuBLAS cannot be opened") == true)
    }

    @Test("A machine without a driver is no news")
    func none() throws {
        let choice = try DeviceChoice(
            device: "auto", ranks: [rank("a", gpu: nil, hasDriver: false)])
        #expect(!choice.usesGPU && choice.note == nil)
    }
}
