import Probes
import Testing

struct TorchSelectionTests {
    /// Features, modulus of their scores, how many are picked, and a checksum of those.
    private static let cases: [(Int, Int, Int, Int)] = [
        (200, 11, 1, 1),
        (200, 11, 3, 53),
        (200, 11, 66, 286683),
        (200, 11, 100, 660909),
        (200, 11, 199, 646628),
        (64, 3, 1, 1),
        (64, 3, 3, 233),
        (64, 3, 21, 11479),
        (64, 3, 32, 24402),
        (64, 3, 63, 84564),
        (7, 2, 1, 5),
        (7, 2, 2, 14),
        (7, 2, 3, 26),
        (7, 2, 6, 90),
        (1000, 5, 1, 2),
        (1000, 5, 3, 31),
        (1000, 5, 15, 3012),
        (1000, 5, 333, 381356),
        (1000, 5, 500, 518373),
        (1000, 5, 999, 718978),
        (4096, 9, 1, 2),
        (4096, 9, 3, 43),
        (4096, 9, 64, 394640),
        (4096, 9, 1365, 872090),
        (4096, 9, 2048, 617457),
        (4096, 9, 4095, 86876),
        (33, 1, 1, 23),
        (33, 1, 2, 67),
        (33, 1, 3, 134),
        (33, 1, 11, 1646),
        (33, 1, 16, 3594),
        (33, 1, 32, 11374),
    ]

    @Test("Among equal scores torch's features are picked", arguments: cases)
    func ties(count: Int, modulus: Int, picked: Int, checksum: Int) {
        let scores = (0..<count).map { Float((7 * $0 * $0 + 3 * $0) % modulus - modulus / 2) }
        let features = torchTopFeatures(scores, count: picked).sorted()
        #expect(Set(features).count == picked)
        let sum = features.enumerated().reduce(0) { $0 + ($1.offset + 1) * $1.element }
        #expect(sum % 1_000_003 == checksum)
    }

    @Test("Without ties the highest scores are picked")
    func distinct() {
        let scores = (0..<101).map { Float($0 * 37 % 101) }
        for count in [1, 2, 50, 100, 101] {
            #expect(
                torchTopFeatures(scores, count: count).sorted()
                    == topFeatures(scores, count: count))
        }
    }
}
