import Testing

@testable import Activations
@testable import Basics
@testable import Plans
@testable import Runs

/// A rank that may use some processors of a host.
private func rank(_ host: String, _ processors: Range<Int>, of all: Int = 16) -> RankIntroduction {
    var bits = [UInt8](repeating: 0, count: all / 4)
    for processor in processors { bits[processor / 4] |= 1 << (processor % 4) }
    return RankIntroduction(configuration: "same", host: host, processors: bits)
}

struct ThreadSharesTests {
    @Test("One rank has all processors that it may use")
    func oneRank() {
        let shares = ThreadShares(ranks: [rank("a", 0..<12)], fixed: nil)
        #expect(shares.share == [12])
        #expect(shares.mostWorkersOnOneHost == 1)
        #expect(shares.note == nil)
    }

    @Test("Unbound ranks share their host's processors")
    func unbound() {
        let shares = ThreadShares(ranks: [Int](0..<4).map { _ in rank("a", 0..<16) }, fixed: nil)
        #expect(shares.share == [4, 4, 4, 4])
        #expect(shares.mostAtOnce == 4)
        #expect(shares.mostWorkersOnOneHost == 4)
    }

    @Test("Bound ranks keep to their own processors")
    func bound() {
        let ranks = (0..<4).map { rank("a", $0 * 4..<$0 * 4 + 4) }
        let shares = ThreadShares(ranks: ranks, fixed: nil)
        #expect(shares.share == [4, 4, 4, 4])
        let single = ThreadShares(ranks: (0..<4).map { rank("a", $0..<$0 + 1) }, fixed: nil)
        #expect(single.share == [1, 1, 1, 1])
    }

    @Test("Each host is shared by its own ranks")
    func hosts() {
        let ranks = [
            rank("a", 0..<16), rank("a", 0..<16), rank("b", 0..<16), rank("b", 0..<16),
            rank("b", 0..<16),
        ]
        let shares = ThreadShares(ranks: ranks, fixed: nil)
        #expect(shares.share == [8, 8, 5, 5, 5])
        #expect(shares.mostWorkersOnOneHost == 3)
        #expect(shares.mostAtOnce == 8)
    }

    @Test("More ranks than processors still have one thread each")
    func oversubscribed() {
        let shares = ThreadShares(ranks: [Int](0..<9).map { _ in rank("a", 0..<2) }, fixed: nil)
        #expect(shares.share.allSatisfy { $0 == 1 })
    }

    @Test("A fixed number of threads goes before everything")
    func fixed() {
        let shares = ThreadShares(ranks: (0..<3).map { rank("a", $0..<$0 + 1) }, fixed: 6)
        #expect(shares.share == [6, 6, 6])
        #expect(shares.mostAtOnce == 1, "only one thread of a bound rank works at a time")
        #expect(shares.note == nil)
    }

    @Test("This process may use at least one processor, and the memory limit of a config counts")
    func here() throws {
        #expect(coreCount >= 1)
        #expect(
            memoryLimit(try configuration(environment: ["SAEVAL_MEMORY_GIB": "1.5"]))
                == MemoryLimit(bytes: 1_610_612_736, isAsked: true))
        let machine = try #require(memoryLimit(try configuration()))
        #expect(machine.bytes > 0 && !machine.isAsked)
    }
}
