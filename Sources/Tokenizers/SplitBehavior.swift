/// What becomes of the matches of a splitting pattern.
///
/// - Source: `SplitDelimiterBehavior` of the `tokenizers` library.
enum SplitBehavior: String, Sendable {
    /// Matches are dropped.
    case removed = "Removed"
    /// Each match is a piece.
    case isolated = "Isolated"
    /// A match joins what is before it.
    case mergedWithPrevious = "MergedWithPrevious"
    /// A match joins what is after it.
    case mergedWithNext = "MergedWithNext"
    /// Neighbouring matches are one piece.
    case contiguous = "Contiguous"

    /// A stretch of text and whether the pattern matched it.
    typealias Span = (range: Range<Int>, isMatch: Bool)

    /// Turns a cover of the text by matches and gaps into pieces.
    func pieces(of spans: [Span]) -> [Range<Int>] {
        switch self {
        case .removed: return spans.filter { !$0.isMatch }.map(\.range)
        case .isolated: return spans.map(\.range)
        case .contiguous: return joined(spans) { $0 == $1 }
        case .mergedWithPrevious: return joined(spans) { $0 && !$1 }
        case .mergedWithNext:
            var pieces: [Range<Int>] = []
            var wasMatch = false
            for span in spans.reversed() {
                if span.isMatch, !wasMatch, let last = pieces.last {
                    pieces[pieces.count - 1] = span.range.lowerBound..<last.upperBound
                } else {
                    pieces.append(span.range)
                }
                wasMatch = span.isMatch
            }
            return pieces.reversed()
        }
    }

    /// Joins a span to the piece before it where the rule says so.
    private func joined(_ spans: [Span], where joins: (_ isMatch: Bool, _ wasMatch: Bool) -> Bool)
        -> [Range<Int>]
    {
        var pieces: [Range<Int>] = []
        var wasMatch = false
        for span in spans {
            if joins(span.isMatch, wasMatch), let last = pieces.last {
                pieces[pieces.count - 1] = last.lowerBound..<span.range.upperBound
            } else {
                pieces.append(span.range)
            }
            wasMatch = span.isMatch
        }
        return pieces
    }
}
