import Glibc
import Synchronization

/// Page-locked memory through which bytes go to and from a device, a piece at a time: while one
/// piece travels, the next is filled or emptied.
///
/// The driver copies from ordinary memory too, but at a fraction of the bus's speed and with the
/// caller waiting.
final class Staging: Sendable {
    /// Bytes of one piece.
    static let pieceBytes = 4 << 20
    /// Pieces that travel at a time.
    private static let pieces = 4

    /// One piece and the event that says when it may be used again.
    private struct Piece: @unchecked Sendable {
        var memory: UnsafeMutableRawPointer
        var event: DeviceEvent
    }

    private let driver: Driver
    /// Where the copies run, beside the work.
    let stream: DeviceStream
    private let ring: Mutex<(pieces: [Piece], next: Int)>

    /// Takes its memory from the driver.
    init(_ context: PrimaryContext) throws(KernelError) {
        driver = context.driver
        stream = try DeviceStream(context)
        ring = Mutex(([], 0))
        for _ in 0..<Self.pieces {
            let event = try DeviceEvent(context)
            var memory: UnsafeMutableRawPointer?
            try driver.check(driver.allocateHost(&memory, Self.pieceBytes, 0), "cuMemHostAlloc")
            guard let memory else { throw KernelError(.device, "cuMemHostAlloc gave nothing") }
            ring.withLock { $0.pieces.append(Piece(memory: memory, event: event)) }
        }
    }

    deinit {
        stream.context.enter()
        _ = driver.awaitStream(stream.handle)
        ring.withLock { ring in
            for piece in ring.pieces { _ = driver.freeHost(piece.memory) }
        }
    }

    /// Queues the copy of host memory to the device; the memory may be changed after the return.
    func upload(
        _ source: UnsafeRawPointer, to address: Driver.Address, byteCount: Int
    ) throws(KernelError) {
        try ring.withLock { ring throws(KernelError) in
            var done = 0
            while done < byteCount {
                let count = min(Self.pieceBytes, byteCount - done)
                let piece = ring.pieces[ring.next % Self.pieces]
                ring.next += 1
                try driver.check(driver.awaitEvent(piece.event.handle), "cuEventSynchronize")
                memcpy(piece.memory, source + done, count)
                try driver.check(
                    driver.copyIn(
                        address + UInt64(done), piece.memory, count, stream.handle),
                    "cuMemcpyHtoDAsync")
                try driver.check(
                    driver.recordEvent(piece.event.handle, stream.handle), "cuEventRecord")
                done += count
            }
        }
    }

    /// Copies device memory to the host and waits for it.
    func download(
        _ address: Driver.Address, to target: UnsafeMutableRawPointer, byteCount: Int
    ) throws(KernelError) {
        try ring.withLock { ring throws(KernelError) in
            var (queued, done) = (0, 0)
            while done < byteCount {
                while queued < byteCount,
                    (queued - done) / Self.pieceBytes < Self.pieces
                {
                    let count = min(Self.pieceBytes, byteCount - queued)
                    let piece = ring.pieces[queued / Self.pieceBytes % Self.pieces]
                    try driver.check(
                        driver.copyOut(
                            piece.memory, address + UInt64(queued), count, stream.handle),
                        "cuMemcpyDtoHAsync")
                    try driver.check(
                        driver.recordEvent(piece.event.handle, stream.handle), "cuEventRecord")
                    queued += count
                }
                let count = min(Self.pieceBytes, byteCount - done)
                let piece = ring.pieces[done / Self.pieceBytes % Self.pieces]
                try driver.check(driver.awaitEvent(piece.event.handle), "cuEventSynchronize")
                memcpy(target + done, piece.memory, count)
                done += count
            }
        }
    }
}
