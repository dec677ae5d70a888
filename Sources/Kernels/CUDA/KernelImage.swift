import Basics
import CKernels
import CZlib
import Glibc

/// The kernels as a device loads them: compiled by NVRTC for the device at hand and kept on disk,
/// or, where there is no NVRTC, in the portable form that is part of the program.
struct KernelImage {
    /// Machine code, or PTX that ends with a zero.
    let bytes: [UInt8]
    /// How they came here.
    let note: String
    /// The portable form, for a driver that refuses the machine code.
    static var portable: KernelImage {
        get throws(KernelError) {
            KernelImage(
                bytes: try portableBytes(), note: "portable kernels, compiled by the driver")
        }
    }

    private init(bytes: [UInt8], note: String) { (self.bytes, self.note) = (bytes, note) }

    /// The kernels for an architecture.
    ///
    /// - Parameter architecture: such as `sm_90`.
    /// - Throws: ``KernelError`` when they can neither be compiled nor are there.
    init(architecture: String, in places: CUDAPlaces) throws(KernelError) {
        let compiler: Compiler
        do { compiler = try Compiler(in: places) } catch {
            self = try Self.portable
            return
        }
        let source = Self.source
        let options = Compiler.options(architecture: architecture)
        let key = ContentHash.of(parts: [
            ("source", source), ("options", options.joined(separator: " ")),
            ("nvrtc", compiler.version),
        ])
        let path = "\(Self.folder)/\(architecture)-\(key.hex).cubin"
        if let kept = Self.read(path) {
            self.init(bytes: kept, note: "kernels kept at \(path)")
            return
        }
        do {
            let code = try compiler.machineCode(of: source, architecture: architecture)
            Self.keep(code, at: path)
            self.init(bytes: code, note: "kernels compiled by NVRTC \(compiler.version)")
        } catch {
            guard let portable = try? Self.portable else { throw error }
            self = portable
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

    /// The portable form as it is packed: the length of the text (8 bytes), the CRC-32 of the source
    /// (4 bytes), the compressed text.
    private static var packed: UnsafeBufferPointer<UInt8> {
        var count = 0
        return UnsafeBufferPointer(start: ck_cuda_portable(&count), count: count)
    }

    /// The portable form: PTX for compute capability 8.0, made by `make_ptx.py` from ``source``.
    private static func portableBytes() throws(KernelError) -> [UInt8] {
        let packed = packed
        guard packed.count > 12 else {
            throw KernelError(.unavailable, "This program was built without portable kernels")
        }
        var length = UInt(packed[0..<8].reversed().reduce(0) { $0 << 8 | UInt64($1) })
        guard length < 1 << 26 else {
            throw KernelError(.unavailable, "The program's portable kernels are damaged")
        }
        let expected = length
        var text = [UInt8](repeating: 0, count: Int(length) + 1)
        let status = packed.baseAddress.map {
            uncompress(&text, &length, $0 + 12, UInt(packed.count - 12))
        }
        guard status == Z_OK, length == expected else {
            throw KernelError(.unavailable, "The program's portable kernels are damaged")
        }
        return text
    }

    /// Whether the portable form was made from ``source``.
    static var isPortableCurrent: Bool {
        let stored = packed.dropFirst(8).prefix(4)
        let bytes = Array(source.utf8)
        return stored.reversed().reduce(0) { $0 << 8 | UInt($1) }
            == crc32(0, bytes, UInt32(bytes.count))
    }
}

// MARK: - Keeping

extension KernelImage {
    /// The user's cache folder.
    private static var folder: String {
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
    private static func keep(_ code: [UInt8], at path: String) {
        try? makeFolder(folder)
        try? writeFile(Array(ContentHash.of(code).hex.utf8) + code, to: path)
    }
}
