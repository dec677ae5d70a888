import Basics
import Probes
import Testing

struct TaskSamplerTests {
    /// Three classes of six rows: row r of class c is 100 · c + r.
    private let classes = (0..<3).map { c in (0..<6).map { 100 * c + $0 } }

    /// Labels as 0 and 1.
    private func digits(_ task: ProbeTask) -> [Int] { task.labels.map { $0 ? 1 : 0 } }

    @Test("Negatives come from all other classes, other ones at each call, as in SAE Bench")
    func sampled() {
        var generator = TorchGenerator(seed: 42)
        let first = sampledTask(of: 0, among: classes, using: &generator)
        #expect(first.rows == [4, 5, 202, 201, 3, 0, 100, 103, 102, 1, 205, 2])
        #expect(digits(first) == [1, 1, 0, 0, 1, 1, 0, 0, 0, 1, 0, 1])
        let second = sampledTask(of: 1, among: classes, using: &generator)
        #expect(second.rows == [203, 5, 101, 100, 1, 105, 201, 103, 200, 0, 102, 104])
        #expect(digits(second) == [0, 0, 1, 1, 0, 1, 0, 1, 0, 0, 1, 1])
    }

    @Test("Paired tasks take their own negatives, as in SAE Bench")
    func paired() {
        let groups = (0..<4).map { group in (0..<4).map { 100 * group + $0 } }
        var generator = TorchGenerator(seed: 42)
        let first = pairedTask(positives: groups[2], negatives: groups[3], using: &generator)
        #expect(first.rows == [300, 303, 301, 203, 302, 200, 202, 201])
        #expect(digits(first) == [0, 0, 0, 1, 0, 1, 1, 1])
        let second = pairedTask(positives: groups[1], negatives: groups[0], using: &generator)
        #expect(second.rows == [102, 100, 1, 103, 3, 0, 101, 2])
        #expect(digits(second) == [1, 1, 0, 1, 0, 0, 1, 0])
    }

    @Test("A class with fewer rows gives those it has")
    func fewRows() {
        var generator = TorchGenerator(seed: 1)
        let task = sampledTask(of: 0, among: [[0, 1, 2, 3], [4]], using: &generator)
        #expect(task.rows.sorted() == [0, 1, 2, 3, 4])
        #expect(zip(task.rows, task.labels).allSatisfy { ($0 < 4) == $1 })
    }
}
