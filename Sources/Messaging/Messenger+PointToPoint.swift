import CMPI

/// A message that has arrived and waits to be received.
public struct Envelope: Sendable, Equatable {
    /// The rank that sent it.
    public var source: Int
    /// The kind of message, chosen by the sender.
    public var tag: Int32
    /// Its length in bytes.
    public var byteCount: Int
}

extension Messenger {
    /// Longest message in bytes; MPI counts in 32 bits.
    public static let longestMessageBytes = Int(Int32.max)

    /// Sends bytes to another rank and returns when they may be reused; not collective.
    ///
    /// Short messages leave at once; long ones wait, asleep, until the receiver takes them.
    ///
    /// - Throws: ``MessagingError`` for a rank that is not another one, or for more than 2 GiB.
    public func send(_ bytes: [UInt8], to destination: Int, tag: Int32) throws {
        try send(bytes, to: destination, tag: tag, on: messages)
    }

    /// Looks for a message that has arrived, without waiting; not collective.
    ///
    /// - Parameters: nil for any source or any tag.
    public func probe(from source: Int? = nil, tag: Int32? = nil) throws -> Envelope? {
        try probe(from: source, tag: tag, on: messages)
    }

    /// Looks on one of our communicators.
    func probe(from source: Int? = nil, tag: Int32? = nil, on communicator: MPI_Comm) throws
        -> Envelope?
    {
        var isThere: Int32 = 0
        var status = MPI_Status()
        try check(
            MPI_Iprobe(
                try sourceNumber(source), tag ?? MPI_ANY_TAG, communicator, &isThere, &status),
            "MPI_Iprobe")
        return isThere == 0 ? nil : try envelope(status)
    }

    /// Waits, mostly asleep, for a message that can be received; not collective.
    ///
    /// - Parameter deadline: longest wait; nil waits for ever.
    /// - Returns: nil when the deadline passed.
    public func waitForMessage(
        from source: Int? = nil, tag: Int32? = nil, deadline: Duration? = nil
    ) throws -> Envelope? {
        let end = deadline.map { ContinuousClock.now + $0 }
        var pause = Pause()
        while true {
            if let envelope = try probe(from: source, tag: tag) { return envelope }
            if let end, ContinuousClock.now >= end { return nil }
            pause.sleep()
        }
    }

    /// Receives a message, waiting for it mostly asleep; not collective.
    ///
    /// - Parameters: nil for any source or any tag; name both as the ``Envelope`` says to receive
    ///   that message.
    public func receive(from source: Int? = nil, tag: Int32? = nil) throws -> [UInt8] {
        try receive(from: source, tag: tag, on: messages)
    }
}

// MARK: - On either communicator

extension Messenger {
    /// Sends on one of our communicators.
    func send(_ bytes: [UInt8], to destination: Int, tag: Int32, on communicator: MPI_Comm) throws {
        guard destination != rank else {
            throw MessagingError(
                .invalidRank, "Rank \(rank) sends a message to itself",
                advice: "hand the value over directly")
        }
        let number = try rankNumber(destination)
        guard bytes.count <= Self.longestMessageBytes else {
            throw MessagingError(
                .tooLong,
                "A message has \(bytes.count) bytes, the limit is \(Self.longestMessageBytes)",
                advice: "split it into several messages")
        }
        try bytes.withUnsafeBytes { raw in
            var request: MPI_Request?
            try check(
                MPI_Isend(
                    raw.baseAddress, Int32(raw.count), cmpi_byte(), number, tag, communicator,
                    &request),
                "MPI_Isend")
            try finish(&request, "MPI_Isend")
        }
    }

    /// Receives on one of our communicators. The message is matched once, so threads cannot take
    /// each other's.
    func receive(from source: Int?, tag: Int32?, on communicator: MPI_Comm) throws -> [UInt8] {
        let number = try sourceNumber(source)
        var (isThere, status, message): (Int32, MPI_Status, MPI_Message?) = (0, MPI_Status(), nil)
        var pause = Pause()
        while true {
            try check(
                MPI_Improbe(number, tag ?? MPI_ANY_TAG, communicator, &isThere, &message, &status),
                "MPI_Improbe")
            if isThere != 0 { break }
            pause.sleep()
        }
        let byteCount = try envelope(status).byteCount
        return try [UInt8](unsafeUninitializedCapacity: byteCount) { buffer, count in
            try check(
                MPI_Mrecv(buffer.baseAddress, Int32(byteCount), cmpi_byte(), &message, &status),
                "MPI_Mrecv")
            count = byteCount
        }
    }

    /// Waits, mostly asleep, until a request is done.
    func finish(_ request: inout MPI_Request?, _ call: StaticString) throws {
        var pause = Pause()
        while true {
            var isDone: Int32 = 0
            try check(MPI_Test(&request, &isDone, nil), call)
            if isDone != 0 { return }
            pause.sleep()
        }
    }

    /// What a status says about a message.
    private func envelope(_ status: MPI_Status) throws -> Envelope {
        var (status, count): (MPI_Status, Int32) = (status, 0)
        try check(MPI_Get_count(&status, cmpi_byte(), &count), "MPI_Get_count")
        guard count >= 0 else {
            throw MessagingError(
                .tooLong,
                "Rank \(status.MPI_SOURCE) sent more than \(Self.longestMessageBytes) bytes at once"
            )
        }
        return Envelope(source: Int(status.MPI_SOURCE), tag: status.MPI_TAG, byteCount: Int(count))
    }

    /// A source as MPI counts it; nil is any.
    private func sourceNumber(_ source: Int?) throws -> Int32 {
        guard let source else { return MPI_ANY_SOURCE }
        return try rankNumber(source)
    }

    /// A rank as MPI counts it.
    func rankNumber(_ rank: Int) throws -> Int32 {
        guard rank >= 0, rank < size else {
            throw MessagingError(
                .invalidRank, "Rank \(rank) is not one of the \(size) ranks of this run")
        }
        return Int32(rank)
    }
}
