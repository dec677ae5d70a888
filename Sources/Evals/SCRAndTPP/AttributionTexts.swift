import Basics
import Corpora
import EvalKit
import Probes

/// The texts of a run and the tasks that they make.
struct AttributionTexts: Sendable {
    let rows: TextRows
    /// Names of the probes, in the order in which SAE Bench trains them.
    let names: [String]
    /// Texts of each name.
    let train: [[Int]]
    let test: [[Int]]
    /// For SCR the index of the group that gives each one's negatives; nil when negatives are drawn
    /// from all others.
    let partners: [Int]?
    /// The groups whose probes are ablated and evaluated.
    let chosen: [Int]

    /// All texts of training, ascending.
    var trainingTexts: [Int] { Set(train.joined()).sorted() }
    /// All test texts, ascending.
    var testTexts: [Int] { Set(test.joined()).sorted() }

    /// SCR's groups and the groups that give their negatives.
    static let pairs = [
        ("male / female", "female_data_only"), ("professor / nurse", "nurse_data_only"),
        ("male_professor / female_nurse", "female_nurse_data_only"),
    ]

    /// - Throws: ``EvaluationError`` when the groups are not those of the evaluation.
    init(_ rows: TextRows, run: AttributionRun) throws(EvaluationError) {
        self.rows = rows
        names = rows.groups(.train).map(\.name)
        let testNames = rows.groups(.test).map(\.name)
        (train, test) = (rows.groups(.train).map(\.texts), rows.groups(.test).map(\.texts))
        if run.pair == nil {
            guard names.count > 1, names == testNames else {
                throw Self.unsuitable(run, "the classes", names, testNames)
            }
            (partners, chosen) = (nil, Array(names.indices))
        } else {
            let expected = Self.pairs.flatMap { [$0.0, $0.1] }
            guard names == expected, testNames == expected else {
                throw Self.unsuitable(run, "the groups", names, testNames)
            }
            // A group and its partner are neighbours.
            partners = names.indices.map { $0 ^ 1 }
            chosen = Array(stride(from: 0, to: names.count, by: 2))
        }
    }

    private static func unsuitable(
        _ run: AttributionRun, _ what: String, _ train: [String], _ test: [String]
    ) -> EvaluationError {
        EvaluationError(
            .unsuitable, "`\(run.dataset)` has \(what) \(train) to train and \(test) to test on",
            advice: "choose two classes or more that have enough texts of both")
    }

    /// The task of one name.
    func task(_ split: TextRows.Split, of group: Int, using generator: inout TorchGenerator)
        -> ProbeTask
    {
        let groups = split == .train ? train : test
        guard let partners else { return sampledTask(of: group, among: groups, using: &generator) }
        return pairedTask(
            positives: groups[group], negatives: groups[partners[group]], using: &generator)
    }

    /// One round of evaluations, whose test tasks are drawn in SAE Bench's order: each chosen name's
    /// own probe, and for SCR the other chosen probes on each one's data.
    func round(using generator: inout TorchGenerator) -> [AttributionEvaluation] {
        var evaluations: [AttributionEvaluation] = []
        for group in chosen {
            let task = task(.test, of: group, using: &generator)
            evaluations.append(AttributionEvaluation(name: names[group], probe: group, task: task))
        }
        for group in chosen where partners != nil {
            let task = task(.test, of: group, using: &generator)
            for probe in chosen where probe != group {
                evaluations.append(
                    AttributionEvaluation(
                        name: Self.name(of: names[probe], on: names[group]), probe: probe,
                        task: task))
            }
        }
        return evaluations
    }

    /// SAE Bench's name of one probe on another's data.
    static func name(of probe: String, on data: String) -> String {
        "\(probe) probe on \(data) data"
    }
}

/// One probe on one test task.
struct AttributionEvaluation: Sendable {
    var name: String
    /// Place of the probe.
    var probe: Int
    var task: ProbeTask
}
