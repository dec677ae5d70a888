import Basics

/// What the journal of a run says, read without disturbing a run that is going on.
public struct RunStatus: Sendable {
    public var state: String
    public var partials = 0
    public var donePartials = 0
    public var percent = 0
    public var autoencoders = 0
    public var evaluations: [String] = []
    public var ranks = 1
    /// Time left at the speed so far; nil when nothing is left or nothing was measured.
    public var secondsLeft: Double?
    public var failures: [RunPlan.FailedItem] = []

    /// - Throws: ``RunError`` when the folder holds no run.
    public init(folder: String) throws {
        let path = "\(folder)/journal.jsonl"
        guard fileExists(path) else {
            throw RunError(
                .missing, "\(folder) holds no run: there is no \(path)",
                advice: "name the `output` folder of a config")
        }
        var start: JournalEntry.StartRecord?
        var doneCost = 0.0
        var isEnded = false
        var last = 0.0
        for line in try readFile(path).split(separator: 0x0A) {
            guard line.count > 17,
                let entry = RunRecord.entry(of: String(decoding: line.dropFirst(17), as: UTF8.self))
            else { continue }
            switch entry {
            case .start(let record):
                (start, doneCost, donePartials) = (record, record.doneCost, record.donePartials)
                (isEnded, failures) = (false, [])
            case .unit(let record):
                doneCost += record.cost
                donePartials += record.keys.count
                last = record.epochSeconds
            case .failure(let evaluation, let subject, let reason):
                failures.append(
                    RunPlan.FailedItem(name: "\(subject) (\(evaluation))", reason: reason))
            case .made: break
            case .end: isEnded = true
            }
        }
        guard let start else {
            throw RunError(.missing, "\(path) records no start", advice: "run the config first")
        }
        (partials, autoencoders, ranks) = (start.partials, start.autoencoders, start.ranks)
        evaluations = start.evaluations
        percent = donePartials >= partials ? 100 : min(99, Int(100 * doneCost / max(start.cost, 1)))
        state = isEnded ? "done" : donePartials == partials ? "all units done" : "unfinished"
        let seconds = last - start.epochSeconds
        if !isEnded, donePartials < partials, seconds > 0, doneCost > start.doneCost {
            secondsLeft = (start.cost - doneCost) / ((doneCost - start.doneCost) / seconds)
        }
    }
}
