import Testing

@testable import Messaging

/// One rank, as in plain `swift test`.
@Suite("One rank", .serialized)
struct MessengerTests {
    @Test("Starting twice gives one messenger with one rank")
    func start() throws {
        let messenger = try Messenger.start()
        #expect(try Messenger.start() === messenger)
        #expect(messenger.rank == 0 && messenger.size == 1)
        #expect(messenger.localRank == 0 && messenger.localSize == 1)
        #expect(!messenger.isParallel)
    }

    @Test("Collective calls of one rank give back what they get")
    func collectives() throws {
        let messenger = try Messenger.start()
        try messenger.barrier()
        #expect(try messenger.broadcast([1, 2, 3]) == [1, 2, 3])
        #expect(try messenger.gather([4]) == [[4]])
        #expect(try messenger.all(true))
        #expect(try !messenger.all(false))
    }

    @Test("No message is there, and waiting for one ends at the deadline")
    func deadline() throws {
        let messenger = try Messenger.start()
        #expect(try messenger.probe() == nil)
        let start = ContinuousClock.now
        #expect(try messenger.waitForMessage(deadline: .milliseconds(20)) == nil)
        #expect(ContinuousClock.now - start >= .milliseconds(20))
    }

    @Test("A message to itself or to no rank is an error with the rank", arguments: [-1, 0, 99])
    func badRank(_ rank: Int) throws {
        let messenger = try Messenger.start()
        let error = #expect(throws: MessagingError.self) {
            try messenger.send([1], to: rank, tag: 1)
        }
        #expect(error?.code == .invalidRank)
        #expect(error?.message.contains("\(rank)") == true)
    }

    @Test(
        "Pieces of a transfer cover it in order",
        arguments: [(0, 3, 0), (1, 3, 1), (3, 3, 1), (4, 3, 2), (9, 3, 3), (7, 100, 1)])
    func pieces(byteCount: Int, limit: Int, count: Int) {
        let pieces = Messenger.pieces(of: byteCount, limit: limit)
        #expect(pieces.count == count)
        #expect(pieces.flatMap { Array($0) } == Array(0..<byteCount))
    }
}
