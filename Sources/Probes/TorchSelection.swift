/// The features that `torch.topk` picks on the CPU, in no order: those with the highest scores, and of
/// equal ones at the border those that its algorithm happens to leave in front.
///
/// Which ones that are decides upstream's numbers where many scores are equal, such as effects of 0.
/// ``topFeatures(_:count:)`` has an order of ties that can be stated and is meant for everything else.
///
/// - Source: behaviour of torch 2.15 built with GCC's library: a partial heap sort when
///   `64 · count ≤ features`, else introspective selection.
/// - Parameter count: In `1...scores.count`; none of the scores is NaN.
public func torchTopFeatures(_ scores: [Float], count: Int) -> [Int] {
    precondition((1...scores.count).contains(count), "\(count) of \(scores.count) features")
    var queue = SelectionQueue(scores)
    if count * 64 <= scores.count {
        queue.selectByHeap(0, middle: count, end: scores.count)
    } else {
        queue.select(count - 1)
    }
    return queue.entries.prefix(count).map(\.feature)
}

/// Scores and features, moved about as GCC's `std::nth_element` and `std::partial_sort` do; "before"
/// means a higher score.
private struct SelectionQueue {
    var entries: [(score: Float, feature: Int)]

    init(_ scores: [Float]) { entries = scores.enumerated().map { ($1, $0) } }

    private func isBefore(_ first: Int, _ second: Int) -> Bool {
        entries[first].score > entries[second].score
    }

    // MARK: - Introspective selection

    /// Brings the entries that belong before an index in front of it.
    mutating func select(_ index: Int) {
        var (first, last) = (0, entries.count)
        var depth = 2 * (Int.bitWidth - 1 - entries.count.leadingZeroBitCount)
        while last - first > 3 {
            if depth == 0 {
                selectByHeap(first, middle: index + 1, end: last)
                return entries.swapAt(first, index)
            }
            depth -= 1
            let cut = partition(first, last)
            if cut <= index { first = cut } else { last = cut }
        }
        insertionSort(first, last)
    }

    /// Parts a range by the median of three of its entries, which moves to its front.
    private mutating func partition(_ first: Int, _ last: Int) -> Int {
        entries.swapAt(first, median(first + 1, first + (last - first) / 2, last - 1))
        var (low, high) = (first + 1, last)
        while true {
            while isBefore(low, first) { low += 1 }
            high -= 1
            while isBefore(first, high) { high -= 1 }
            guard low < high else { return low }
            entries.swapAt(low, high)
            low += 1
        }
    }

    /// The index of the median of three entries.
    private func median(_ a: Int, _ b: Int, _ c: Int) -> Int {
        if isBefore(a, b) { return isBefore(b, c) ? b : isBefore(a, c) ? c : a }
        return isBefore(a, c) ? a : isBefore(b, c) ? c : b
    }

    private mutating func insertionSort(_ first: Int, _ last: Int) {
        for start in stride(from: first + 1, to: last, by: 1) {
            var index = start
            while index > first, isBefore(index, index - 1) {
                entries.swapAt(index, index - 1)
                index -= 1
            }
        }
    }

    // MARK: - Heap

    /// Brings the entries that belong before `middle` there, as a heap with the lowest in front.
    mutating func selectByHeap(_ first: Int, middle: Int, end: Int) {
        let count = middle - first
        for parent in stride(from: (count - 2) / 2, through: 0, by: -1) where count > 1 {
            sink(entries[first + parent], from: parent, first: first, count: count)
        }
        for index in stride(from: middle, to: end, by: 1) where isBefore(index, first) {
            let entry = entries[index]
            entries[index] = entries[first]
            sink(entry, from: 0, first: first, count: count)
        }
    }

    /// Moves a hole down to a leaf and an entry up from there.
    private mutating func sink(
        _ entry: (score: Float, feature: Int), from top: Int, first: Int, count: Int
    ) {
        var (hole, child) = (top, top)
        while child < (count - 1) / 2 {
            child = 2 * child + 2
            if isBefore(first + child, first + child - 1) { child -= 1 }
            entries[first + hole] = entries[first + child]
            hole = child
        }
        if count % 2 == 0, child == (count - 2) / 2 {
            child = 2 * child + 1
            entries[first + hole] = entries[first + child]
            hole = child
        }
        while hole > top, entries[first + (hole - 1) / 2].score > entry.score {
            entries[first + hole] = entries[first + (hole - 1) / 2]
            hole = (hole - 1) / 2
        }
        entries[first + hole] = entry
    }
}
