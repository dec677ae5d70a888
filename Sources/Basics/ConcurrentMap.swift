import Dispatch
import Synchronization

/// Runs `body` for 0..<count on some threads and returns the results in order.
///
/// - Throws: the error of the lowest index that failed.
public func concurrentMap<Value: Sendable>(
    _ count: Int, threads: Int, _ body: @Sendable (Int) throws -> Value
) throws -> [Value] {
    let workers = min(threads, count)
    guard workers > 1 else { return try (0..<count).map(body) }
    let next = Atomic<Int>(0)
    let results = Mutex<[Result<Value, any Error>?]>(Array(repeating: nil, count: count))
    DispatchQueue.concurrentPerform(iterations: workers) { _ in
        while true {
            let index = next.wrappingAdd(1, ordering: .relaxed).oldValue
            guard index < count else { return }
            let result = Result { try body(index) }
            results.withLock { $0[index] = result }
        }
    }
    return try results.withLock { try $0.compactMap { try $0?.get() } }
}
