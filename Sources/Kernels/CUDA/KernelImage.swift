import Basics
import CKernels
import Glibc

/// The kernels as a device loads them: compiled by NVRTC for the current device and kept on disk,
/// or, where there is no NVRTC, in the portable form that is part of the program.
struct KernelImage {
    /// Machine code, or PTX that ends with a zero.
    let bytes: [UInt8]
    /// How they came here.
    let note: String
    /// The portable form, which the driver compiles.
    static var portable: KernelImage {
        KernelImage(bytes: portableText + [0], note: "portable kernels, compiled by the driver")
    }

    private init(bytes: [UInt8], note: String) { (self.bytes, self.note) = (bytes, note) }

    /// The kernels for an architecture.
    ///
    /// - Parameters:
    ///   - architecture: such as `sm_90`.
    ///   - majors: CUDA major versions that the driver supports.
    init(architecture: String, majors: [Int] = [13, 12], in search: CUDASearchPath) {
        let compiler: Compiler
        do { compiler = try Compiler(majors: majors, in: search) } catch {
            self = Self.portable
            return
        }
        let source = Self.source
        let options = Compiler.options(architecture: architecture)
        let key = ContentHash.of(parts: [
            ("source", source), ("options", options.joined(separator: " ")),
            ("nvrtc", compiler.version), ("library", compiler.name),
        ])
        let folder = search.cache ?? Self.userFolder
        let path = "\(folder)/\(architecture)-\(key.hex).cubin"
        if let kept = Self.read(path) {
            self.init(bytes: kept, note: "kernels kept at \(path)")
            return
        }
        do {
            let code = try compiler.machineCode(of: source, architecture: architecture)
            Self.keep(code, at: path, in: folder)
            self.init(bytes: code, note: "kernels compiled by NVRTC \(compiler.version)")
        } catch {
            // A compiler that is older than the device: the driver knows it.
            self = Self.portable
        }
    }
}

// MARK: - Source

extension KernelImage {
    /// The source of all kernels as one program: what they share, then file by file.
    static let source: String = {
        var count = 0
        let bytes = UnsafeBufferPointer(start: ck_cuda_source(&count), count: count)
        return String(decoding: bytes, as: UTF8.self)
    }()

    /// The portable form: PTX for compute capability 8.0, made by `make_ptx.py` from ``source``.
    private static var portableText: UnsafeBufferPointer<UInt8> {
        var count = 0
        return UnsafeBufferPointer(start: ck_cuda_portable(&count), count: count)
    }

    /// Whether the portable form was made from ``source``.
    static var isPortableCurrent: Bool {
        var hash: UInt64 = 0xCBF2_9CE4_8422_2325
        for byte in source.utf8 { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01B3 }
        return portableText.starts(with: Array("// source \(hexadecimal(hash))\n".utf8))
    }
}

// MARK: - Keeping

extension KernelImage {
    /// The user's cache folder.
    private static var userFolder: String {
        func value(_ name: String) -> String? {
            getenv(name).map { String(cString: $0) }.flatMap { $0.isEmpty ? nil : $0 }
        }
        let root =
            value("XDG_CACHE_HOME") ?? value("HOME").map { "\($0)/.cache" } ?? "/tmp/saeval-cache"
        return "\(root)/saeval/kernels"
    }

    /// What was kept, if it is whole: the hash of the code, then the code.
    private static func read(_ path: String) -> [UInt8]? {
        guard let bytes = try? readFile(path), bytes.count > 32 else { return nil }
        let code = Array(bytes[32...])
        let hash = ContentHash.of(code).hex
        return Array(bytes[..<32]) == Array(hash.utf8) ? code : nil
    }

    /// Keeps code for the next start; a disk that takes none costs some seconds then, nothing else.
    private static func keep(_ code: [UInt8], at path: String, in folder: String) {
        try? makeFolder(folder)
        try? writeFile(Array(ContentHash.of(code).hex.utf8) + code, to: path)
    }
}
