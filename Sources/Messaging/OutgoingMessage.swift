import CMPI

/// A message on its way, whose sender does not wait: its receiver may be gone.
public final class OutgoingMessage {
    private let bytes: UnsafeMutableRawPointer
    private var request: MPI_Request?
    private var isFinished = false

    /// Copies the bytes and starts sending them.
    ///
    /// - Parameter isSynchronous: whether it counts as sent only once the receiver takes it.
    init(
        _ content: [UInt8], to destination: Int32, tag: Int32, on communicator: MPI_Comm,
        isSynchronous: Bool
    ) throws {
        bytes = .allocate(byteCount: max(1, content.count), alignment: 16)
        content.withUnsafeBytes {
            if let start = $0.baseAddress {
                bytes.copyMemory(from: start, byteCount: content.count)
            }
        }
        let (count, send) = (Int32(content.count), isSynchronous ? MPI_Issend : MPI_Isend)
        try check(
            send(bytes, count, cmpi_byte(), destination, tag, communicator, &request), "MPI_Isend")
    }

    /// Whether it was sent; an error counts too, since nothing more will come of it.
    public var isDone: Bool {
        if isFinished { return true }
        var isDone: Int32 = 0
        let status = MPI_Test(&request, &isDone, nil)
        isFinished = status != MPI_SUCCESS || isDone != 0
        return isFinished
    }

    // MPI may still read the bytes of a message that never was received; those are left alone.
    deinit { if isFinished { bytes.deallocate() } }
}

extension Messenger {
    /// Starts sending bytes to another rank without waiting; not collective.
    ///
    /// - Returns: the message, to be kept until it is done.
    /// - Throws: ``MessagingError`` for a rank that is not one of this run.
    public func post(_ bytes: [UInt8], to destination: Int, tag: Int32) throws -> OutgoingMessage {
        try OutgoingMessage(
            bytes, to: try rankNumber(destination), tag: tag, on: messages, isSynchronous: false)
    }

    /// Starts handing a byte to rank 0, done once rank 0 takes it.
    func handOver(_ byte: UInt8) throws -> OutgoingMessage {
        try OutgoingMessage([byte], to: 0, tag: 0, on: heartbeats, isSynchronous: true)
    }
}
