import Glibc
import Testing

@testable import Kernels

/// Loops of probes at every level of this machine.
@Suite struct ProbeLoopsTests {
    private static let levels = processorBackends.map(\.level)

    /// Repeatable numbers.
    private func numbers(_ count: Int, _ seed: Int) -> [Float] {
        (0..<count).map { Float(sin(Double(seed + 1) * 12.9898 + Double($0) * 78.233)) }
    }

    @Test("Every level gives the same bits for every length", arguments: [0, 1, 7, 8, 31, 33, 257])
    func levels(count: Int) {
        let (x, y) = (numbers(count + 1, 1), numbers(3 * count + 1, 2))
        let indices = (0..<count + 1).map { Int32(3 * $0) }
        var outcomes: [[Float]] = []
        for level in Self.levels {
            let loops = ProbeLoops(level: level)
            var (sum, scattered) = (y, y)
            loops.add(0.7, x, count: count, to: &sum)
            loops.add(0.7, indices, x, count: count, to: &scattered)
            let dots = [loops.dot(x, y, count: count), loops.dot(indices, x, count: count, y)]
            outcomes.append(sum + scattered + dots)
        }
        for outcome in outcomes { #expect(outcome == outcomes[0]) }
        let exact = (0..<count).reduce(0) { $0 + Double(x[$1]) * Double(y[$1]) }
        let spread = (0..<count).reduce(0) { $0 + Double(x[$1]) * Double(y[3 * $1]) }
        #expect(abs(Double(outcomes[0][outcomes[0].count - 2]) - exact) < 1e-5)
        #expect(abs(Double(outcomes[0][outcomes[0].count - 1]) - spread) < 1e-5)
    }

    @Test("A step of AdamW follows its definition at every level", arguments: [1, 8, 19])
    func steps(count: Int) {
        for level in Self.levels {
            let loops = ProbeLoops(level: level)
            var (x, m, v) = (numbers(count, 3), [Float](repeating: 0, count: count), [Float]())
            x[0] = 0
            v = m
            var exact = x.map { (x: Double($0), m: 0.0, v: 0.0) }
            for number in 1...5 {
                var gradient = numbers(count, number + 10)
                for i in 0..<count {
                    let sign = exact[i].x > 0 ? 0.01 : exact[i].x < 0 ? -0.01 : 0
                    let g = Double(gradient[i]) + sign
                    exact[i].m += 0.1 * (g - exact[i].m)
                    exact[i].v += 0.001 * (g * g - exact[i].v)
                    let root = (exact[i].v / (1 - pow(0.999, Double(number)))).squareRoot() + 1e-8
                    exact[i].x *= 1 - 1e-3 * 0.01
                    exact[i].x -= 1e-3 * exact[i].m / (1 - pow(0.9, Double(number))) / root
                }
                loops.adamW(
                    AdamWStep(
                        number: number, learningRate: 1e-3, weightDecay: 0.01, l1Penalty: 0.01),
                    count: count, parameters: &x, gradient: &gradient, first: &m, second: &v)
                #expect(gradient == [Float](repeating: 0, count: count))
            }
            for i in 0..<count { #expect(abs(Double(x[i]) - exact[i].x) < 1e-6) }
        }
    }
}
