/// The merges that are possible in one word, lowest rank first and leftmost among equals.
///
/// - Cost: a candidate is one number in a binary heap; adding and taking out are `log n` steps.
struct MergeQueue {
    /// A merge of the symbol at a position with the one after it.
    struct Candidate {
        /// The rank above the position, so that numbers compare as candidates do.
        fileprivate var key: UInt64

        /// A candidate; neither number is negative.
        init(rank: Int32, position: Int32) {
            key = UInt64(UInt32(bitPattern: rank)) << 32 | UInt64(UInt32(bitPattern: position))
        }

        /// Makes a candidate of its number.
        fileprivate init(key: UInt64) { self.key = key }

        /// The rank of the merge.
        var rank: Int32 { Int32(truncatingIfNeeded: key >> 32) }
        /// The position of the left symbol.
        var position: Int32 { Int32(truncatingIfNeeded: key) }
    }

    /// A binary heap of candidates' numbers.
    private var heap: [UInt64] = []

    /// Makes room for a number of candidates.
    mutating func reserve(_ count: Int) { heap.reserveCapacity(count) }

    /// Adds a candidate.
    mutating func push(_ candidate: Candidate) {
        let key = candidate.key
        heap.append(key)
        var child = heap.count - 1
        while child > 0 {
            let parent = (child - 1) / 2
            guard key < heap[parent] else { break }
            heap[child] = heap[parent]
            child = parent
        }
        heap[child] = key
    }

    /// Takes the first candidate out.
    mutating func pop() -> Candidate? {
        guard let first = heap.first else { return nil }
        let last = heap.removeLast()
        let count = heap.count
        guard count > 0 else { return Candidate(key: first) }
        var hole = 0
        while true {
            var child = hole * 2 + 1
            guard child < count else { break }
            if child + 1 < count, heap[child + 1] < heap[child] { child += 1 }
            guard heap[child] < last else { break }
            heap[hole] = heap[child]
            hole = child
        }
        heap[hole] = last
        return Candidate(key: first)
    }
}
