import Glibc
import Synchronization

/// Memory of tensors and of what the loops over them need for a moment.
package enum HostMemory {
    /// Memory of undefined content, at an address that is a multiple of 64.
    package static func take(_ byteCount: Int) -> UnsafeMutableRawPointer {
        guard byteCount < LargeMemory.least else { return LargeMemory.take(byteCount) }
        var pointer: UnsafeMutableRawPointer?
        let status = posix_memalign(&pointer, 64, max(byteCount, 64))
        guard status == 0, let pointer else {
            preconditionFailure("out of memory: \(byteCount) bytes")
        }
        return pointer
    }

    /// Takes it back.
    ///
    /// - Parameter byteCount: as it was asked for.
    package static func giveBack(_ pointer: UnsafeMutableRawPointer, _ byteCount: Int) {
        if byteCount < LargeMemory.least {
            free(pointer)
        } else {
            LargeMemory.giveBack(pointer, byteCount)
        }
    }
}

/// Large blocks of memory that are used again instead of being given back to the system.
///
/// A run asks for the same few sizes again and again. Fresh pages must be cleared by the kernel,
/// which costs more than many of the operations that fill them, and `malloc` returns every large
/// block at once. Kept blocks make room for those of other sizes: blocks in use and kept together
/// take at most a sixteenth, or 8 MiB, more than blocks in use ever took, so that a run's memory
/// follows from what it holds at once. Without the 8 MiB small runs clear most blocks anew: the
/// quickstart had 1.6 million page faults and a sixth more time, against 0.5 million.
package enum LargeMemory {
    /// Blocks from this size on are kept.
    static let least = 1 << 16
    /// Bytes kept at most.
    private static let most = 1 << 30
    /// How far blocks in use and kept together may exceed the most that was in use.
    package static func slack(of mostUsedBytes: Int) -> Int { max(mostUsedBytes / 16, 8 << 20) }

    /// A block that waits to be used again.
    struct Block {
        /// Its length in bytes.
        var size: Int
        /// Its address.
        var address: UInt
    }

    /// What is kept and what is in use.
    struct State {
        /// Kept blocks, those given back longest ago first.
        var kept: [Block] = []
        /// Bytes of kept blocks, of those in use, and the most that were in use at once.
        var (keptBytes, usedBytes, mostUsedBytes) = (0, 0, 0)
    }

    /// The blocks of the process.
    private static let state = Mutex(State())

    /// The most bytes in blocks that were in use at once since it was last asked to begin anew.
    package static var mostUsedBytes: Int { state.withLock { $0.mostUsedBytes } }

    /// Counts the most bytes in use from now on.
    package static func countAnew() { state.withLock { $0.mostUsedBytes = $0.usedBytes } }

    /// The size of the block that serves a request: one of eight for each power of two, so that
    /// requests of similar sizes share blocks. What is not touched of it takes no memory.
    private static func rounded(_ byteCount: Int) -> Int {
        let power = 1 << (Int.bitWidth - 1 - byteCount.leadingZeroBitCount)
        let step = max(least, power / 8)
        return (byteCount + step - 1) / step * step
    }

    /// Gives kept blocks back to the system, before work that needs blocks of other sizes.
    package static func releaseKept() {
        let blocks = state.withLock { state in
            defer { (state.kept, state.keptBytes, state.mostUsedBytes) = ([], 0, state.usedBytes) }
            return state.kept
        }
        for block in blocks {
            munmap(UnsafeMutableRawPointer(bitPattern: block.address), block.size)
        }
    }

    /// The size of a large page of x86; larger blocks begin at a multiple of it.
    private static let largePage = 1 << 21

    /// A block of at least `byteCount` bytes, page aligned.
    static func take(_ byteCount: Int) -> UnsafeMutableRawPointer {
        let size = rounded(byteCount)
        let (kept, surplus) = state.withLock { $0.take(size) }
        for block in surplus {
            munmap(UnsafeMutableRawPointer(bitPattern: block.address), block.size)
        }
        if let kept, let pointer = UnsafeMutableRawPointer(bitPattern: kept.address) {
            return pointer
        }
        return map(size)
    }

    /// A new block from the system, past `malloc`, whose pieces would not fit together again.
    private static func map(_ size: Int) -> UnsafeMutableRawPointer {
        let extra = size < largePage ? 0 : largePage
        let start = mmap(
            nil, size + extra, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)
        guard let start, start != MAP_FAILED else {
            preconditionFailure("out of memory: \(size) bytes")
        }
        guard extra > 0 else { return start }
        let before = (largePage - Int(bitPattern: start) % largePage) % largePage
        if before > 0 { munmap(start, before) }
        if extra > before { munmap(start + before + size, extra - before) }
        // A wish: fewer pages are cleared more cheaply.
        madvise(start + before, size, MADV_HUGEPAGE)
        return start + before
    }

    /// Takes a block back.
    static func giveBack(_ pointer: UnsafeMutableRawPointer, _ byteCount: Int) {
        let block = Block(size: rounded(byteCount), address: UInt(bitPattern: pointer))
        let isKept = state.withLock { $0.giveBack(block, most: most) }
        if !isKept { munmap(pointer, block.size) }
    }
}

extension LargeMemory.State {
    /// Uses a kept block of a size, or makes room for a new one.
    ///
    /// - Returns: the block, and kept ones that have to go.
    mutating func take(
        _ size: Int
    ) -> (block: LargeMemory.Block?, surplus: [LargeMemory.Block]) {
        usedBytes += size
        mostUsedBytes = max(mostUsedBytes, usedBytes)
        if let index = kept.lastIndex(where: { $0.size == size }) {
            keptBytes -= size
            return (kept.remove(at: index), [])
        }
        let limit = mostUsedBytes + LargeMemory.slack(of: mostUsedBytes)
        var count = 0
        while count < kept.count, usedBytes + keptBytes > limit {
            keptBytes -= kept[count].size
            count += 1
        }
        defer { kept.removeFirst(count) }
        return (nil, Array(kept.prefix(count)))
    }

    /// Keeps a block if there is room for it.
    mutating func giveBack(_ block: LargeMemory.Block, most: Int) -> Bool {
        usedBytes -= block.size
        guard keptBytes + block.size <= most else { return false }
        kept.append(block)
        keptBytes += block.size
        return true
    }
}
