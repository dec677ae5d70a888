import Glibc
import Synchronization
import Testing

@testable import Basics

struct ConcurrentMapTests {
    /// An error that says where it happened.
    struct Fault: Error, Equatable { var index: Int }

    @Test("Results come in order whatever finishes first", arguments: [0, 1, 2, 3, 8, 100])
    func order(threads: Int) throws {
        let values = try concurrentMap(40, threads: threads) { index in
            if index % 7 == 0 { usleep(2000) }
            return index * index
        }
        #expect(values == (0..<40).map { $0 * $0 })
    }

    @Test(
        "Every index is visited once, with more threads than items too",
        arguments: [(0, 4), (1, 4), (3, 16), (500, 2)])
    func visits(count: Int, threads: Int) throws {
        let visits = Mutex([Int](repeating: 0, count: count))
        _ = try concurrentMap(count, threads: threads) { index in visits.withLock { $0[index] += 1 }
        }
        #expect(visits.withLock { $0 } == [Int](repeating: 1, count: count))
    }

    @Test("The error of the lowest index is thrown", arguments: [1, 2, 5, 40])
    func lowestError(threads: Int) {
        #expect(throws: Fault(index: 3)) {
            try concurrentMap(40, threads: threads) { index in
                if index == 3 { usleep(3000) }
                if index >= 3 { throw Fault(index: index) }
            }
        }
    }
}
