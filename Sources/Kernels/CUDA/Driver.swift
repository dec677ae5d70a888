/// The functions of NVIDIA's driver that the backend calls, by their names in `cuda.h` 12.
///
/// Pointers to the driver's own objects are opaque, device addresses are 64-bit numbers.
struct Driver: Sendable {
    typealias Status = Int32
    /// A context, stream, event, module or function.
    typealias Handle = OpaquePointer
    /// An address in the device's memory.
    typealias Address = UInt64

    let version: @convention(c) (UnsafeMutablePointer<Int32>) -> Status
    let deviceCount: @convention(c) (UnsafeMutablePointer<Int32>) -> Status
    let device: @convention(c) (UnsafeMutablePointer<Int32>, Int32) -> Status
    let deviceName: @convention(c) (UnsafeMutablePointer<CChar>, Int32, Int32) -> Status
    let attribute: @convention(c) (UnsafeMutablePointer<Int32>, Int32, Int32) -> Status
    let retainContext: @convention(c) (UnsafeMutablePointer<Handle?>, Int32) -> Status
    let releaseContext: @convention(c) (Int32) -> Status
    let setContext: @convention(c) (Handle?) -> Status
    let memoryInfo: @convention(c) (UnsafeMutablePointer<Int>, UnsafeMutablePointer<Int>) -> Status
    let allocate: @convention(c) (UnsafeMutablePointer<Address>, Int) -> Status
    let free: @convention(c) (Address) -> Status
    let allocateHost:
        @convention(c) (UnsafeMutablePointer<UnsafeMutableRawPointer?>, Int, UInt32) -> Status
    let freeHost: @convention(c) (UnsafeMutableRawPointer?) -> Status
    let copyIn: @convention(c) (Address, UnsafeRawPointer, Int, Handle?) -> Status
    let copyOut: @convention(c) (UnsafeMutableRawPointer, Address, Int, Handle?) -> Status
    let copyInside: @convention(c) (Address, Address, Int, Handle?) -> Status
    let fill: @convention(c) (Address, UInt8, Int, Handle?) -> Status
    let makeStream: @convention(c) (UnsafeMutablePointer<Handle?>, UInt32) -> Status
    let destroyStream: @convention(c) (Handle?) -> Status
    let awaitStream: @convention(c) (Handle?) -> Status
    let waitForEvent: @convention(c) (Handle?, Handle?, UInt32) -> Status
    let makeEvent: @convention(c) (UnsafeMutablePointer<Handle?>, UInt32) -> Status
    let destroyEvent: @convention(c) (Handle?) -> Status
    let recordEvent: @convention(c) (Handle?, Handle?) -> Status
    let awaitEvent: @convention(c) (Handle?) -> Status
    let elapsed: @convention(c) (UnsafeMutablePointer<Float>, Handle?, Handle?) -> Status
    let loadModule: @convention(c) (UnsafeMutablePointer<Handle?>, UnsafeRawPointer?) -> Status
    let unloadModule: @convention(c) (Handle?) -> Status
    let moduleFunction:
        @convention(c) (UnsafeMutablePointer<Handle?>, Handle?, UnsafePointer<CChar>) -> Status
    let setFunctionAttribute: @convention(c) (Handle?, Int32, Int32) -> Status
    let launch:
        @convention(c) (
            Handle?, UInt32, UInt32, UInt32, UInt32, UInt32, UInt32, UInt32, Handle?,
            UnsafeMutablePointer<UnsafeMutableRawPointer?>?,
            UnsafeMutablePointer<UnsafeMutableRawPointer?>?
        ) -> Status
    /// CUDA major versions that the driver supports, the newest first.
    let majors: [Int]
    private let errorName:
        @convention(c) (Status, UnsafeMutablePointer<UnsafePointer<CChar>?>) -> Status

    /// Status numbers that are told apart.
    static let outOfMemory: Status = 2
    /// `CU_DEVICE_ATTRIBUTE_…`
    enum Attribute: Int32 {
        case multiprocessors = 16
        case secondLevelCacheBytes = 38
        case major = 75
        case minor = 76
    }
    /// `CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES`
    static let dynamicSharedBytes: Int32 = 8
    /// `CU_STREAM_NON_BLOCKING`
    static let nonBlocking: UInt32 = 1
    /// `CU_EVENT_DISABLE_TIMING`
    static let withoutTiming: UInt32 = 2

    /// Opens the driver and starts it.
    ///
    /// - Throws: ``KernelError`` with code `unavailable`: no driver, one that is too old, or no
    ///   device.
    init(in search: CUDASearchPath) throws(KernelError) {
        let library = try SharedLibrary(
            "NVIDIA's driver", names: ["libcuda.so.1", "libcuda.so"], in: search, orElse: .noDriver)
        version = try library.function("cuDriverGetVersion")
        deviceCount = try library.function("cuDeviceGetCount")
        device = try library.function("cuDeviceGet")
        deviceName = try library.function("cuDeviceGetName")
        attribute = try library.function("cuDeviceGetAttribute")
        retainContext = try library.function("cuDevicePrimaryCtxRetain")
        releaseContext = try library.function("cuDevicePrimaryCtxRelease_v2")
        setContext = try library.function("cuCtxSetCurrent")
        memoryInfo = try library.function("cuMemGetInfo_v2")
        allocate = try library.function("cuMemAlloc_v2")
        free = try library.function("cuMemFree_v2")
        allocateHost = try library.function("cuMemHostAlloc")
        freeHost = try library.function("cuMemFreeHost")
        copyIn = try library.function("cuMemcpyHtoDAsync_v2")
        copyOut = try library.function("cuMemcpyDtoHAsync_v2")
        copyInside = try library.function("cuMemcpyDtoDAsync_v2")
        fill = try library.function("cuMemsetD8Async")
        makeStream = try library.function("cuStreamCreate")
        destroyStream = try library.function("cuStreamDestroy_v2")
        awaitStream = try library.function("cuStreamSynchronize")
        waitForEvent = try library.function("cuStreamWaitEvent")
        makeEvent = try library.function("cuEventCreate")
        destroyEvent = try library.function("cuEventDestroy_v2")
        recordEvent = try library.function("cuEventRecord")
        awaitEvent = try library.function("cuEventSynchronize")
        elapsed = try library.function("cuEventElapsedTime")
        loadModule = try library.function("cuModuleLoadData")
        unloadModule = try library.function("cuModuleUnload")
        moduleFunction = try library.function("cuModuleGetFunction")
        setFunctionAttribute = try library.function("cuFuncSetAttribute")
        launch = try library.function("cuLaunchKernel")
        errorName = try library.function("cuGetErrorName")
        let initialise: @convention(c) (UInt32) -> Status = try library.function("cuInit")
        var number: Int32 = 0
        let told = version(&number)
        majors = number >= 13_000 ? [13, 12] : [12]
        try check(told, "cuDriverGetVersion", code: .unavailable)
        try check(initialise(0), "cuInit", code: .unavailable)
        guard number >= 12_000 else {
            throw KernelError(
                .unavailable,
                "\(library.name) is a driver for CUDA \(number / 1000).\(number % 1000 / 10)",
                advice: "install a driver for CUDA 12.0 or newer")
        }
    }

    /// Turns a status into an error that keeps the call's name and the driver's name for it.
    func check(
        _ status: Status, _ call: StaticString, code: KernelDomain.Code = .device
    ) throws(KernelError) {
        guard status != 0 else { return }
        var name: UnsafePointer<CChar>?
        let text =
            errorName(status, &name) == 0 ? name.map { String(cString: $0) } ?? "" : ""
        throw KernelError(
            code, "\(call) failed with \(status) \(text)",
            advice: code == .unavailable
                ? "see what `nvidia-smi` says of the driver and its devices"
                : "run the same command again; if it fails again, see the system's log for the GPU")
    }

    /// A number that the device tells of itself.
    func value(of attribute: Attribute, device: Int32) throws(KernelError) -> Int {
        var value: Int32 = 0
        try check(self.attribute(&value, attribute.rawValue, device), "cuDeviceGetAttribute")
        return Int(value)
    }
}
