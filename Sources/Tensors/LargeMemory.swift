import Glibc
import Synchronization

/// Large blocks of memory that are used again instead of being given back to the system.
///
/// A run asks for the same few sizes again and again. Fresh pages must be cleared by the kernel, which costs more
/// than many of the operations that fill them, and `malloc` returns every block above 32 MiB at once.
enum LargeMemory {
    /// Blocks from this size on are kept.
    static let least = 1 << 20
    /// Bytes kept at most.
    private static let most = 1 << 30

    private struct State {
        var free: [Int: [UInt]] = [:]
        var byteCount = 0
    }

    private static let state = Mutex(State())

    /// The size of the block that serves a request.
    private static func rounded(_ byteCount: Int) -> Int { (byteCount + least - 1) / least * least }

    /// A block of at least `byteCount` bytes, page aligned.
    static func take(_ byteCount: Int) -> UnsafeMutableRawPointer {
        let size = rounded(byteCount)
        let kept = state.withLock { state -> UInt? in
            guard let address = state.free[size]?.popLast() else { return nil }
            state.byteCount -= size
            return address
        }
        if let kept, let pointer = UnsafeMutableRawPointer(bitPattern: kept) { return pointer }
        var pointer: UnsafeMutableRawPointer?
        guard posix_memalign(&pointer, 4096, size) == 0, let pointer else {
            preconditionFailure("out of memory: \(size) bytes")
        }
        return pointer
    }

    /// Takes a block back.
    static func giveBack(_ pointer: UnsafeMutableRawPointer, _ byteCount: Int) {
        let size = rounded(byteCount)
        let isKept = state.withLock { state in
            guard state.byteCount + size <= most else { return false }
            state.free[size, default: []].append(UInt(bitPattern: pointer))
            state.byteCount += size
            return true
        }
        if !isKept { free(pointer) }
    }
}
