import Basics
import EmulatedGPU
import Glibc
import OperationWalk
import Tensors
import Testing

@testable import Kernels

/// What is said where something of CUDA is missing, and what is done then.
@Suite(.enabled(if: EmulatedGPU.folder != nil, Comment(rawValue: EmulatedGPU.absence)))
struct CUDALoaderTests {
    @Test(
        "What is missing is one sentence that names it",
        arguments: [
            ("missing-symbol", KernelDomain.Code.unavailable, "libcuda.so.1 has no cuLaunchKernel"),
            ("no-cublas", .unavailable, "cuBLAS cannot be opened"),
            ("old-driver", .unavailable, "is a driver for CUDA 11.0"),
            ("no-device", .unavailable, "cuInit failed with 100"),
            ("no-such-folder", .noDriver, "NVIDIA's driver cannot be opened"),
        ])
    func missing(variant: String, code: KernelDomain.Code, text: String) {
        let error = #expect(throws: KernelError.self) {
            try CUDADevice(index: 0, in: EmulatedGPU.searchPath(variant))
        }
        #expect(error?.code == code)
        #expect(error?.message.contains(text) == true, "\(error?.message ?? "")")
        #expect(error?.message.contains("\n") == false)
        #expect(error?.advice != nil)
    }

    @Test("Without NVRTC the portable kernels of the program are taken")
    func portable() throws {
        let device = try CUDADevice(index: 0, in: EmulatedGPU.searchPath("no-nvrtc"))
        #expect(device.kernelsNote.hasPrefix("portable kernels"))
        let backend = CUDABackend(device)
        let shape = WalkShape(rows: 7, inner: 16, outer: 48, type: .float32)
        let expected = try Operation.rmsNorm.run(on: ReferenceBackend(), shape)
        let actual = try Operation.rmsNorm.run(on: backend, shape)
        #expect(actual.firstDifference(from: expected, tolerance: 1e-6) == nil)
    }

    @Test("A GPU that is not there is an error that says how many there are")
    func noSuchDevice() {
        let error = #expect(throws: KernelError.self) {
            try CUDADevice(index: 7, in: EmulatedGPU.searchPath())
        }
        #expect(error?.message == "There is no GPU 7: the driver shows 1")
    }

    @Test("Folders of the variable come first, and a bare name is left to the system's loader")
    func searchPath() {
        let path = CUDASearchPath(first: ["/a", "/b"])
        let candidates = path.candidates(for: ["libx.so.2", "libx.so.1"])
        #expect(candidates.prefix(2) == ["libx.so.2", "libx.so.1"])
        let only = CUDASearchPath(first: ["/a"], includesSystem: false)
        #expect(only.candidates(for: ["libx.so"]) == ["/a/libx.so"])
    }
}

/// Memory of a GPU.
@Suite(.enabled(if: EmulatedGPU.folder != nil, Comment(rawValue: EmulatedGPU.absence)))
struct DeviceMemoryTests {
    @Test("Blocks are used again, and memory that nobody holds makes room for other sizes")
    func reuse() throws {
        let device = try CUDADevice(index: 0, in: EmulatedGPU.searchPath())
        let first = try device.block(1 << 20).address
        #expect(try device.block(1 << 20).address == first)
        let limit = device.memory.limit
        _ = try device.block(limit / 2 + (1 << 20))
        // The kept halves would not leave room for this one.
        let large = try device.block(limit / 3 * 2)
        #expect(device.memory.usedBytes >= limit / 3 * 2)
        withExtendedLifetime(large) {}
    }

    @Test("Memory that is not there is an error, and chunks get smaller down to a least size")
    func exhaustion() throws {
        let device = try CUDADevice(index: 0, in: EmulatedGPU.searchPath())
        let error = #expect(throws: KernelError.self) { try device.block(device.memory.limit + 1) }
        #expect(error?.code == .outOfMemory)
        #expect(error?.message.contains("The GPU has no memory for") == true)
        // The device goes on.
        #expect(try device.download(device.zeros(8), count: 1, as: Int.self) == [0])
        let backend = CUDABackend(device)
        var sizes = [backend.chunks.tokens]
        while backend.useSmallerChunks() { sizes.append(backend.chunks.tokens) }
        #expect(sizes.count > 3 && sizes.last == 64)
        #expect(zip(sizes, sizes.dropFirst()).allSatisfy { $0 / 2 == $1 })
        #expect(backend.chunks.atOnce == 1)
    }

    @Test("Ranks that share a GPU share its memory")
    func sharing() throws {
        // The emulated GPU has 4 GiB.
        let shared = try CUDADevice(index: 0, sharers: 2, in: EmulatedGPU.searchPath()).memory.limit
        #expect(shared > 0 && shared <= 2 << 30)
    }

    @Test("Long pieces of memory travel whole in both directions", arguments: [1, 4, 17])
    func staging(mebibytes: Int) throws {
        let device = try CUDADevice(index: 0, in: EmulatedGPU.searchPath())
        let values = (0..<(mebibytes << 18) + 3).map {
            UInt32(truncatingIfNeeded: $0 &* 2_654_435_761)
        }
        let block = try device.upload(values)
        #expect(try device.download(block, count: values.count) == values)
    }
}
