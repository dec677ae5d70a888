import Synchronization

/// The permutations that a generator has drawn, for comparison with a recorded run.
///
/// Copies of a generator share their trace.
public final class PermutationTrace: Sendable {
    private let drawn = Mutex<[[Int32]]>([])

    /// An empty trace.
    public init() {}

    /// All permutations in the order in which they were drawn.
    public var permutations: [[Int32]] { drawn.withLock { $0 } }

    /// Adds one.
    func append(_ permutation: [Int]) {
        let compact = permutation.map { Int32(truncatingIfNeeded: $0) }
        drawn.withLock { $0.append(compact) }
    }
}
