import Synchronization
import Tensors

/// A block of a device's memory, given back when nobody holds it.
///
/// Whoever passes ``address`` to the device holds the block until the call that queues the work has
/// returned: all work runs in the order of one stream, so the block may be used again after that.
final class DeviceBlock: DeviceBytes {
    /// Where it begins.
    let address: Driver.Address
    /// Bytes that were asked for.
    let byteCount: Int
    /// Whose memory it is.
    let device: CUDADevice
    /// Bytes that were taken for it.
    fileprivate let size: Int
    /// Recorded where the block was given back: uploads into it wait for that.
    fileprivate let lastUse: SendableHandle?

    fileprivate init(
        _ device: CUDADevice, address: Driver.Address, byteCount: Int, size: Int,
        lastUse: SendableHandle?
    ) {
        (self.device, self.address, self.byteCount) = (device, address, byteCount)
        (self.size, self.lastUse) = (size, lastUse)
    }

    deinit { device.memory.giveBack(self) }

    func copy(to target: UnsafeMutableRawPointer, byteCount: Int) {
        // What fails here is remembered by the device, whose next operation throws.
        try? device.download(self, to: target, byteCount: min(byteCount, self.byteCount))
    }
}

/// The memory of a device, kept by us between uses: asking the driver for it makes the device stop.
final class DeviceMemory: Sendable {
    /// A block that nobody holds.
    private struct Free {
        var address: Driver.Address
        var lastUse: SendableHandle?
    }

    private struct State {
        var free: [Int: [Free]] = [:]
        var usedBytes = 0
        var keptBytes = 0
        var peakBytes = 0
    }

    /// Bytes that may be in use at a time.
    let limit: Int
    /// Whether blocks are kept between uses.
    private let keepsBlocks: Bool
    private let stream: DeviceStream
    private let state = Mutex(State())

    /// - Parameters:
    ///   - limit: bytes that may be in use at a time.
    ///   - stream: where all work runs.
    ///   - keepsBlocks: false takes every block from the driver in its exact size and gives it back,
    ///     so that tools see what is read and written beside it.
    init(limit: Int, stream: DeviceStream, keepsBlocks: Bool = true) {
        (self.limit, self.stream, self.keepsBlocks) = (limit, stream, keepsBlocks)
    }

    /// Gives the memory back to the driver; by now nobody holds a block.
    deinit {
        stream.context.enter()
        _ = driver.awaitStream(stream.handle)
        state.withLock { giveUp(&$0) }
    }

    private var driver: Driver { stream.context.driver }

    /// The most bytes that were in use.
    var peakBytes: Int { state.withLock { $0.peakBytes } }
    /// Bytes in use.
    var usedBytes: Int { state.withLock { $0.usedBytes } }

    /// Sizes are rounded so that blocks of nearly the same size serve each other.
    private static func rounded(_ byteCount: Int) -> Int {
        guard byteCount > 4096 else { return max(512, (byteCount + 511) / 512 * 512) }
        let eighth = 1 << (Int.bitWidth - 1 - byteCount.leadingZeroBitCount - 3)
        return (byteCount + eighth - 1) / eighth * eighth
    }

    /// A block whose content is undefined.
    ///
    /// - Parameter uploading: a stream that will write to it before the stream of the work does.
    /// - Throws: ``KernelError`` with code `outOfMemory`.
    func block(
        _ byteCount: Int, of device: CUDADevice, uploading: Driver.Handle? = nil
    ) throws(KernelError) -> DeviceBlock {
        let size = keepsBlocks ? Self.rounded(byteCount) : max(1, byteCount)
        let kept = state.withLock { state -> Free? in
            guard let free = state.free[size]?.popLast() else { return nil }
            state.keptBytes -= size
            state.usedBytes += size
            state.peakBytes = max(state.peakBytes, state.usedBytes)
            return free
        }
        let free: Free
        if let kept {
            free = kept
        } else {
            free = Free(address: try fresh(size))
        }
        if let uploading, let lastUse = free.lastUse {
            try driver.check(driver.waitForEvent(uploading, lastUse.handle, 0), "cuStreamWaitEvent")
        }
        return DeviceBlock(
            device, address: free.address, byteCount: byteCount, size: size, lastUse: free.lastUse)
    }

    /// Asks the driver for memory; where there is none left, what is kept is given up first.
    private func fresh(_ size: Int) throws(KernelError) -> Driver.Address {
        let isAllowed = state.withLock { state in
            if state.usedBytes + state.keptBytes + size > limit { giveUp(&state) }
            return state.usedBytes + size <= limit
        }
        var address: Driver.Address = 0
        var status = isAllowed ? driver.allocate(&address, size) : Driver.outOfMemory
        if status == Driver.outOfMemory, isAllowed {
            state.withLock { giveUp(&$0) }
            status = driver.allocate(&address, size)
        }
        guard status != Driver.outOfMemory else {
            throw KernelError(
                .outOfMemory,
                "The GPU has no memory for \((size + 1023) >> 10) KiB more: \(usedBytes >> 20) of "
                    + "\(limit >> 20) MiB are in use",
                advice: "give each rank a GPU of its own, or use device: cpu")
        }
        try driver.check(status, "cuMemAlloc")
        state.withLock { state in
            state.usedBytes += size
            state.peakBytes = max(state.peakBytes, state.usedBytes)
        }
        return address
    }

    /// Gives all kept blocks back to the driver, which waits for the work that uses them.
    private func giveUp(_ state: inout State) {
        for block in state.free.values.joined() {
            _ = driver.free(block.address)
            if let event = block.lastUse?.handle { _ = driver.destroyEvent(event) }
        }
        state.free = [:]
        state.keptBytes = 0
    }

    /// Keeps a block that nobody holds any more.
    fileprivate func giveBack(_ block: DeviceBlock) {
        block.device.enter()
        guard keepsBlocks else {
            _ = driver.free(block.address)
            return state.withLock { $0.usedBytes -= block.size }
        }
        var event = block.lastUse?.handle
        if event == nil { _ = driver.makeEvent(&event, Driver.withoutTiming) }
        _ = driver.recordEvent(event, stream.handle)
        let lastUse = SendableHandle(event)
        state.withLock { state in
            state.usedBytes -= block.size
            state.keptBytes += block.size
            state.free[block.size, default: []].append(
                Free(address: block.address, lastUse: lastUse))
        }
    }
}
