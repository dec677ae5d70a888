/// The functions of cuBLAS 12 or 13 that the backend calls.
struct BLAS: Sendable {
    typealias Status = Int32
    private typealias Version =
        @convention(c) (OpaquePointer?, UnsafeMutablePointer<Int32>) -> Status

    let create: @convention(c) (UnsafeMutablePointer<OpaquePointer?>) -> Status
    let destroy: @convention(c) (OpaquePointer?) -> Status
    let setStream: @convention(c) (OpaquePointer?, OpaquePointer?) -> Status
    let setWorkspace: @convention(c) (OpaquePointer?, UInt64, Int) -> Status
    /// Handle, operations on A and B, m, n, k, alpha, A with type and leading dimension, the same of
    /// B, beta, the same of C, type of the arithmetic, algorithm.
    let product:
        @convention(c) (
            OpaquePointer?, Int32, Int32, Int32, Int32, Int32, UnsafeRawPointer, UInt64, Int32,
            Int32, UInt64, Int32, Int32, UnsafeRawPointer, UInt64, Int32, Int32, Int32, Int32
        ) -> Status
    private let statusText: @convention(c) (Status) -> UnsafePointer<CChar>?

    /// `cublasOperation_t`
    enum Operation: Int32 {
        case none = 0
        case transposed
    }
    /// `CUBLAS_COMPUTE_32F`: sums in float32, and products of float32 without tensor cores.
    static let computeFloat32: Int32 = 68
    /// `CUBLAS_GEMM_DEFAULT`
    static let defaultAlgorithm: Int32 = -1
    /// `CUBLAS_STATUS_ALLOC_FAILED`
    static let allocationFailed: Status = 3

    /// Opens cuBLAS.
    ///
    /// - Throws: ``KernelError`` with code `unavailable`.
    init(for driver: Driver, in search: CUDASearchPath) throws(KernelError) {
        let library = try SharedLibrary(
            "cuBLAS", names: driver.majors.map { "libcublas.so.\($0)" }, in: search)
        create = try library.function("cublasCreate_v2")
        destroy = try library.function("cublasDestroy_v2")
        setStream = try library.function("cublasSetStream_v2")
        setWorkspace = try library.function("cublasSetWorkspace_v2")
        product = try library.function("cublasGemmEx")
        statusText = try library.function("cublasGetStatusString")
    }

    /// Turns a status into an error that keeps the call's name.
    func check(_ status: Status, _ call: StaticString) throws(KernelError) {
        guard status != 0 else { return }
        let text = statusText(status).map { String(cString: $0) } ?? "\(status)"
        throw KernelError(
            status == Self.allocationFailed ? .outOfMemory : .device, "\(call) failed: \(text)",
            advice: "free memory of the GPU, or run the same command again")
    }
}
