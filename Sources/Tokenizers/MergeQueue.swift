/// The merges that are possible in one word, lowest rank first and leftmost among equals.
struct MergeQueue {
    /// A merge of the symbol at a position with the one after it.
    struct Candidate {
        /// The position of the left symbol.
        var position: Int32
        /// What the two merge into.
        var merge: Merge
    }

    /// A binary heap.
    private var heap: [Candidate] = []

    /// Makes room for a number of candidates.
    mutating func reserve(_ count: Int) { heap.reserveCapacity(count) }

    /// Adds a candidate.
    mutating func push(_ candidate: Candidate) {
        heap.append(candidate)
        var child = heap.count - 1
        while child > 0 {
            let parent = (child - 1) / 2
            guard Self.precedes(heap[child], heap[parent]) else { break }
            heap.swapAt(child, parent)
            child = parent
        }
    }

    /// Takes the first candidate out.
    mutating func pop() -> Candidate? {
        guard let first = heap.first else { return nil }
        let last = heap.removeLast()
        if heap.isEmpty { return first }
        heap[0] = last
        var parent = 0
        while true {
            var child = parent * 2 + 1
            guard child < heap.count else { break }
            if child + 1 < heap.count, Self.precedes(heap[child + 1], heap[child]) { child += 1 }
            guard Self.precedes(heap[child], heap[parent]) else { break }
            heap.swapAt(child, parent)
            parent = child
        }
        return first
    }

    /// Whether one candidate goes before another.
    private static func precedes(_ first: Candidate, _ second: Candidate) -> Bool {
        (first.merge.rank, first.position) < (second.merge.rank, second.position)
    }
}
