import Synchronization

/// NVRTC, which compiles kernels for the current device.
struct Compiler: Sendable {
    private typealias Program = OpaquePointer
    private typealias Size =
        @convention(c) (OpaquePointer?, UnsafeMutablePointer<Int>) -> Int32
    private typealias Text =
        @convention(c) (OpaquePointer?, UnsafeMutablePointer<CChar>) -> Int32

    /// Such as `12.9`.
    let version: String
    /// Where it was found.
    let name: String
    private let create:
        @convention(c) (
            UnsafeMutablePointer<OpaquePointer?>, UnsafePointer<CChar>, UnsafePointer<CChar>,
            Int32, UnsafePointer<UnsafePointer<CChar>?>?, UnsafePointer<UnsafePointer<CChar>?>?
        ) -> Int32
    private let compileProgram:
        @convention(c) (OpaquePointer?, Int32, UnsafePointer<UnsafePointer<CChar>?>?) -> Int32
    private let destroy: @convention(c) (UnsafeMutablePointer<OpaquePointer?>) -> Int32
    private let logSize: Size
    private let log: Text
    private let binarySize: Size
    private let binary: Text

    /// Opens NVRTC.
    ///
    /// - Parameter majors: CUDA major versions that the driver supports, the preferred first.
    /// - Throws: ``KernelError`` with code `unavailable`.
    init(majors: [Int] = [13, 12], in search: CUDASearchPath) throws(KernelError) {
        let library = try SharedLibrary(
            "NVRTC", names: majors.map { "libnvrtc.so.\($0)" }, in: search)
        name = library.name
        create = try library.function("nvrtcCreateProgram")
        compileProgram = try library.function("nvrtcCompileProgram")
        destroy = try library.function("nvrtcDestroyProgram")
        logSize = try library.function("nvrtcGetProgramLogSize")
        log = try library.function("nvrtcGetProgramLog")
        binarySize = try library.function("nvrtcGetCUBINSize")
        binary = try library.function("nvrtcGetCUBIN")
        let versionNumber:
            @convention(c) (UnsafeMutablePointer<Int32>, UnsafeMutablePointer<Int32>) -> Int32 =
                try library.function("nvrtcVersion")
        var (major, minor): (Int32, Int32) = (0, 0)
        _ = versionNumber(&major, &minor)
        version = "\(major).\(minor)"
    }

    /// Compiles a program to the machine code of one architecture.
    ///
    /// - Parameter architecture: such as `sm_90`.
    /// - Throws: ``KernelError`` with the compiler's log.
    /// - Cost: some seconds for all kernels.
    func machineCode(of source: String, architecture: String) throws(KernelError) -> [UInt8] {
        try Self.oneAtATime.withLock { _ throws(KernelError) in
            try compiled(source, architecture: architecture)
        }
    }

    /// NVRTC must not be called from several threads at once.
    private static let oneAtATime = Mutex(())

    /// One compilation.
    private func compiled(_ source: String, architecture: String) throws(KernelError) -> [UInt8] {
        var program: OpaquePointer?
        guard create(&program, source, "saeval.cu", 0, nil, nil) == 0 else {
            throw KernelError(.device, "NVRTC \(version) takes no program")
        }
        defer { _ = destroy(&program) }
        let options = Self.options(architecture: architecture)
        let status = withCStrings(options) { compileProgram(program, Int32(options.count), $0) }
        guard status == 0 else {
            throw KernelError(
                .device,
                "NVRTC \(version) cannot compile the kernels for \(architecture): "
                    + text(program, logSize, log),
                advice: "install an NVRTC that knows this GPU")
        }
        var size = 0
        guard binarySize(program, &size) == 0, size > 0 else {
            throw KernelError(.device, "NVRTC \(version) gave no code for \(architecture)")
        }
        return [UInt8](unsafeUninitializedCapacity: size) { output, written in
            output.withMemoryRebound(to: CChar.self) { bytes in
                if let start = bytes.baseAddress, binary(program, start) == 0 { written = size }
            }
        }
    }

    /// What the compiler is told.
    static func options(architecture: String) -> [String] {
        ["--gpu-architecture=\(architecture)", "--std=c++17", "-default-device"]
    }

    /// What the compiler said.
    private func text(_ program: OpaquePointer?, _ size: Size, _ read: Text) -> String {
        var count = 0
        guard size(program, &count) == 0, count > 1 else { return "it does not say why" }
        var bytes = [CChar](repeating: 0, count: count + 1)
        guard read(program, &bytes) == 0 else { return "it does not say why" }
        return String(
            decoding: bytes.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
    }
}

/// Lends some texts as C strings.
private func withCStrings<Result>(
    _ texts: [String], _ body: (UnsafePointer<UnsafePointer<CChar>?>?) -> Result
) -> Result {
    let bytes = texts.map { Array($0.utf8CString) }
    let joined = bytes.flatMap { $0 }
    return joined.withUnsafeBufferPointer { all in
        var start = 0
        let pointers: [UnsafePointer<CChar>?] = bytes.map { text in
            defer { start += text.count }
            return all.baseAddress.map { $0 + start }
        }
        return pointers.withUnsafeBufferPointer { body($0.baseAddress) }
    }
}
