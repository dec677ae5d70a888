import Tensors
import Testing

@testable import Kernels

/// What holds for the backend of GPUs, on an emulated one and on a real one where there is one.
@Suite(.enabled("there is no C++ compiler for the emulated GPU") { CUDAEmulator.folder != nil })
struct CUDABackendTests {
    /// The emulated GPU, and the real one.
    private static func backends() throws -> [CUDABackend] {
        [try CUDAEmulator.backend.get()] + (realGPU.map { [$0] } ?? [])
    }

    @Test(
        "Every operation agrees with the reference on a GPU",
        arguments: Operation.allCases, WalkShape.all)
    func agreement(operation: Operation, shape: WalkShape) throws {
        let expected = try operation.run(on: ReferenceBackend(), shape)
        for backend in try Self.backends() {
            let actual = try operation.run(on: backend, shape)
            let difference = actual.firstDifference(
                from: expected, tolerance: operation.tolerance(onGPU: shape.type))
            #expect(difference == nil, "\(backend.device.name)")
            let again = try operation.run(on: backend, shape)
            #expect(
                zip(actual.numbers, again.numbers).allSatisfy {
                    $0 == $1 || ($0.isNaN && $1.isNaN)
                },
                "\(backend.device.name) gives other bits the second time")
        }
    }
}

extension Operation {
    /// The tolerance on a GPU: products round activations, and dense
    /// decoding values, to a 16-bit type of the weights.
    func tolerance(onGPU type: ElementType) -> Double {
        let rounding = type == .float32 ? 0 : type == .bfloat16 ? 0x1p-8 : 0x1p-11
        return switch self {
        case .linear, .linearTransposed, .encodeReLU, .decode, .decodeDense:
            max(tolerance, rounding)
        default: tolerance
        }
    }
}
