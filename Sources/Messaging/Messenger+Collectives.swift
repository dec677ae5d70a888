import CMPI

/// Calls that every rank must make, in the same order; all are collective.
extension Messenger {
    /// Gives every rank the bytes of one rank; collective.
    ///
    /// - Parameter bytes: what to send at the root; ignored elsewhere.
    /// - Cost: any length; goes in pieces of 1 GiB.
    public func broadcast(_ bytes: [UInt8]?, root: Int = 0) throws -> [UInt8] {
        try broadcast(bytes, root: root, pieceBytes: Self.pieceBytes)
    }

    /// Collects the bytes of every rank at one rank, in rank order; collective.
    ///
    /// - Returns: one entry for each rank at the root, nil elsewhere.
    public func gather(_ bytes: [UInt8], root: Int = 0) throws -> [[UInt8]]? {
        try gather(bytes, root: root, pieceBytes: Self.pieceBytes)
    }

    /// Waits, mostly asleep, until every rank has come here; collective.
    public func barrier() throws {
        guard isParallel else { return }
        var request: MPI_Request?
        try check(MPI_Ibarrier(collectives, &request), "MPI_Barrier")
        try finish(&request, "MPI_Barrier")
    }

    /// Whether something is true on every rank; collective.
    ///
    /// Lets all ranks leave a collective step together when one of them could not take it.
    public func all(_ isTrue: Bool) throws -> Bool {
        guard isParallel else { return isTrue }
        let mine: Int64 = isTrue ? 1 : 0
        var least: Int64 = 0
        try withUnsafeBytes(of: mine) { source in
            try withUnsafeMutableBytes(of: &least) { target in
                var request: MPI_Request?
                try check(
                    MPI_Iallreduce(
                        source.baseAddress, target.baseAddress, 1, cmpi_int64(), cmpi_min(),
                        collectives, &request),
                    "MPI_Allreduce")
                try finish(&request, "MPI_Allreduce")
            }
        }
        return least != 0
    }
}

// MARK: - In pieces

extension Messenger {
    /// Bytes of one piece of a long transfer.
    static let pieceBytes = 1 << 30

    /// The ranges of the pieces of a transfer, in order.
    static func pieces(of byteCount: Int, limit: Int) -> [Range<Int>] {
        stride(from: 0, to: byteCount, by: limit).map { $0..<min($0 + limit, byteCount) }
    }

    /// Broadcasts in pieces of a given length.
    func broadcast(_ bytes: [UInt8]?, root: Int, pieceBytes: Int) throws -> [UInt8] {
        let number = try rankNumber(root)
        precondition(rank != root || bytes != nil, "the root of a broadcast has nothing to send")
        guard isParallel else { return bytes ?? [] }
        var byteCount = Int64(bytes?.count ?? 0)
        try withUnsafeMutableBytes(of: &byteCount) { raw in
            try broadcast(raw.baseAddress, 8, root: number)
        }
        var result = rank == root ? bytes ?? [] : [UInt8](repeating: 0, count: Int(byteCount))
        try result.withUnsafeMutableBytes { raw in
            for piece in Self.pieces(of: raw.count, limit: pieceBytes) {
                try broadcast(
                    raw.baseAddress.map { $0 + piece.lowerBound }, piece.count, root: number)
            }
        }
        return result
    }

    /// One piece of a broadcast; collective.
    private func broadcast(_ start: UnsafeMutableRawPointer?, _ byteCount: Int, root: Int32) throws
    {
        var request: MPI_Request?
        try check(
            MPI_Ibcast(start, Int32(byteCount), cmpi_byte(), root, collectives, &request),
            "MPI_Bcast")
        try finish(&request, "MPI_Bcast")
    }

    /// Gathers in pieces of a given length: the length first, then the pieces, rank after rank.
    func gather(_ bytes: [UInt8], root: Int, pieceBytes: Int) throws -> [[UInt8]]? {
        _ = try rankNumber(root)
        let tag: Int32 = 1
        guard rank == root else {
            var length = [UInt8]()
            withUnsafeBytes(of: Int64(bytes.count).littleEndian) { length.append(contentsOf: $0) }
            try send(length, to: root, tag: tag, on: collectives)
            for piece in Self.pieces(of: bytes.count, limit: pieceBytes) {
                try send(Array(bytes[piece]), to: root, tag: tag, on: collectives)
            }
            return nil
        }
        return try (0..<size).map { source in
            guard source != rank else { return bytes }
            let length = try receive(from: source, tag: tag, on: collectives)
            guard length.count == 8 else {
                throw MessagingError(
                    .callFailed, "Rank \(source) is at another step than rank \(rank)")
            }
            let byteCount = length.reversed().reduce(Int64(0)) { $0 << 8 | Int64($1) }
            var result: [UInt8] = []
            result.reserveCapacity(Int(byteCount))
            while result.count < byteCount {
                result += try receive(from: source, tag: tag, on: collectives)
            }
            return result
        }
    }
}
