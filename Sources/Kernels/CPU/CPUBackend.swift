import Basics
import CKernels
import Tensors

/// The backend for processors: C loops with AVX-512 or AVX2 where the machine has them.
///
/// Products are our own and not OpenBLAS's, for two reasons. Every sum is made of chains of 256
/// fused multiply-adds in a fixed order, so that a row gives the same bits in any batch, at any
/// index of it, beside any thread and on any machine with fused multiply-add; and Debian's OpenBLAS
/// does not know recent processors (0.3.21 runs SSE3 code on Sapphire Rapids, a fifth of the
/// speed). OpenBLAS stays as the yardstick of ``kernelBenchmark(_:report:)``.
public struct CPUBackend: KernelBackend {
    /// Which instructions the C loops use; see `CKernels.h`.
    let level: Int32
    /// How rows are cut, on which no number depends.
    public let chunks: ChunkPolicy

    /// Makes the backend for this machine; it keeps no state.
    public init(chunks: ChunkPolicy = .processor) {
        self.init(level: ck_best_level(), chunks: chunks)
    }

    /// Makes the backend with fewer instructions than the machine has.
    init(level: Int32, chunks: ChunkPolicy = .processor) {
        Self.prepareProcess
        (self.level, self.chunks) = (level, chunks)
    }

    /// The name in logs.
    public var name: String { "cpu" }

    /// What has to happen once in a process.
    private static let prepareProcess: Void = {
        ck_keep_memory()
        OpenBLAS.staysOnCallingThread
    }()
}

/// Gives pages back to the system that hold nothing but freed memory, after work that needed much
/// of it in small pieces.
public func giveFreedMemoryBack() { ck_give_memory_back() }

// MARK: - Scratch

/// Floats that live until they are released, 64-byte aligned; large pieces are in large pages if
/// there are any.
struct Scratch {
    /// The first float.
    let floats: UnsafeMutablePointer<Float>
    private let raw: UnsafeMutableRawPointer
    private let byteCount: Int
    private static let largePage = 1 << 21

    init(_ count: Int) {
        byteCount = max(count, 16) * 4
        raw = HostMemory.take(byteCount)
        if byteCount >= Self.largePage { ck_use_large_pages(raw, byteCount) }
        floats = raw.bindMemory(to: Float.self, capacity: max(count, 16))
    }

    /// Gives the memory back.
    func release() { HostMemory.giveBack(raw, byteCount) }
}

extension ElementType {
    /// The C name of a weight type; the checks have refused all others.
    var forC: ck_type {
        switch self {
        case .bfloat16: CK_BFLOAT16
        case .float16: CK_FLOAT16
        default: CK_FLOAT32
        }
    }
}

extension Tensor {
    /// A weight vector as floats.
    func widenedVector(level: Int32) -> [Float] {
        [Float](unsafeUninitializedCapacity: count) { output, written in
            ck_widen(level, bytes, type.forC, count, output.baseAddress)
            written = count
        }
    }
}

// MARK: - Products

extension CPUBackend {
    /// Rows that share one packing of the right factor.
    static var rowsTogether: Int { 1024 }
    /// Columns of the right factor that are packed at a time; a multiple of the panel widths.
    static var columnsTogether: Int { 960 }

    /// The columns of a product as pieces of ``columnsTogether``.
    static func pieces(of count: Int, by size: Int) -> [Range<Int>] {
        stride(from: 0, to: count, by: size).map { $0..<min($0 + size, count) }
    }

    /// Floats of a packed left factor.
    static func packedCount(rows: Int, inner: Int) -> Int {
        (rows + Int(CK_PANEL_ROWS) - 1) / Int(CK_PANEL_ROWS) * Int(CK_PANEL_ROWS) * inner
    }

    /// Packs rows of a matrix as the left factor.
    func packRows(
        _ source: ck_matrix, first: Int = 0, rows: Int, inner: Int,
        subtract: UnsafePointer<Float>? = nil,
        into packed: UnsafeMutablePointer<Float>
    ) {
        ck_pack(
            level, source, Int(CK_PANEL_ROWS), first, rows, 0, inner, inner * Int(CK_PANEL_ROWS),
            subtract, packed)
    }

    /// Rows of floats as the left factor sees them.
    static func rows(_ start: UnsafePointer<Float>, stride: Int) -> ck_matrix {
        ck_matrix(data: start, type: CK_FLOAT32, transposed: true, stride: stride)
    }
}

extension MatrixView {
    /// The rows of the view as columns of a right factor, or as rows of a left one.
    var forC: ck_matrix {
        ck_matrix(
            data: tensor.bytes, type: tensor.type.forC, transposed: !isTransposed,
            stride: tensor.shape[1])
    }
}
