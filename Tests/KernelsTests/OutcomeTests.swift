import OperationWalk
import Testing

/// How outcomes of operations are compared.
@Suite struct OutcomeTests {
    /// An outcome of some numbers.
    private static func outcome(_ numbers: Double...) -> Outcome { Outcome(numbers) }

    @Test("Differences are shares of the largest expected number")
    func shares() {
        let expected = Self.outcome(1, -4, Double.nan, Double.infinity)
        let actual = Self.outcome(1.5, -4, Double.nan, Double.infinity)
        #expect(actual.largestDifference(from: expected) == 0.125)
        #expect(actual.firstDifference(from: expected, tolerance: 0.125) == nil)
        #expect(actual.firstDifference(from: expected, tolerance: 0.1) == "[0] is 1.5, not 1.0")
        #expect(expected.largestDifference(from: expected) == 0)
    }

    @Test("What cannot be compared differs infinitely")
    func infinite() {
        let expected = Self.outcome(1, 2)
        let others = [
            Self.outcome(1), Self.outcome(1, Double.nan), Self.outcome(1, Double.infinity),
            Self.outcome(1, 2, 3),
        ]
        for other in others {
            #expect(other.largestDifference(from: expected) == Double.infinity)
            #expect(other.firstDifference(from: expected, tolerance: 1) != nil)
        }
    }

    @Test("Numbers where all should be 0 differ infinitely, and zeros not at all")
    func zeros() {
        let expected = Self.outcome(0, 0)
        #expect(Self.outcome(0, -0.0).largestDifference(from: expected) == 0)
        #expect(Self.outcome(0, 1e-30).largestDifference(from: expected) == Double.infinity)
        #expect(!Self.outcome(0, -0.0).hasSameBits(as: expected))
    }
}
