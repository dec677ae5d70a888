import Basics

/// What a batch job is asked for: machines, ranks and time.
public struct BatchRequest: Sendable {
    /// Machines.
    public var nodes: Int
    /// How long one start may take, as Slurm writes it.
    public var time: String
    /// Ranks on each machine; nil is one for each GPU, or what the template has.
    public var ranksPerNode: Int?
    /// GPUs of each machine, one for each rank; nil is a job on CPUs.
    public var gpusPerNode: Int?
    /// Cores of a rank; nil is what the template has.
    public var coresPerRank: Int?
    /// How often the job goes back into the queue after a time limit.
    public var requeues = 5
    /// Seconds between the signal and the time limit.
    public var signalLead = 120

    /// A job on some machines.
    public init(nodes: Int, time: String) { (self.nodes, self.time) = (nodes, time) }

    /// How long work may go on after the signal: three quarters of the time until the limit.
    var stopWithin: Int { max(1, signalLead * 3 / 4) }

    /// Takes from a site's file what was not said.
    mutating func complete(from site: BatchSite) {
        ranksPerNode = ranksPerNode ?? site.ranksPerNode
        coresPerRank = coresPerRank ?? site.coresPerRank
    }

    /// Checks every number.
    ///
    /// - Throws: ``RunError`` that names the option, its value and what is allowed.
    public func validate() throws(RunError) {
        let ranges: [(String, Int?, ClosedRange<Int>)] = [
            ("--nodes", nodes, 1...100_000), ("--ranks-per-node", ranksPerNode, 1...4096),
            ("--gpus-per-node", gpusPerNode, 1...64), ("--cpus-per-rank", coresPerRank, 1...4096),
            ("--requeue", requeues, 0...1000), ("--signal-lead", signalLead, 2...65_535),
        ]
        for (option, value, range) in ranges {
            guard let value, !range.contains(value) else { continue }
            throw RunError(
                .badConfig,
                "\(option) \(value) is outside \(range.lowerBound) to \(range.upperBound)",
                advice: "give a number in that range")
        }
        if let gpusPerNode, let ranksPerNode, gpusPerNode != ranksPerNode {
            throw RunError(
                .badConfig,
                "--ranks-per-node \(ranksPerNode) differs from --gpus-per-node \(gpusPerNode)",
                advice: "leave --ranks-per-node out: each GPU gets one rank")
        }
        guard let limit = Self.seconds(ofLimit: time) else {
            throw RunError(
                .badConfig, "--time \(time) is not a time limit",
                advice: "write minutes, hours:minutes:seconds or days-hours, such as 4:00:00")
        }
        guard limit > signalLead else {
            throw RunError(
                .badConfig, "--signal-lead \(signalLead) leaves nothing of --time \(time)",
                advice: "a longer --time, or a --signal-lead below \(limit)")
        }
    }

    /// The seconds of a time limit in one of Slurm's spellings: `M`, `M:S`, `H:M:S`, `D-H`, `D-H:M` and
    /// `D-H:M:S`.
    ///
    /// - Returns: nil for another text, and for a limit of 0, which Slurm takes for none.
    package static func seconds(ofLimit text: String) -> Int? {
        let halves = text.split(separator: "-", omittingEmptySubsequences: false)
        guard halves.count <= 2, let last = halves.last else { return nil }
        var numbers: [Int] = []
        for part in last.split(separator: ":", omittingEmptySubsequences: false) {
            guard (1...6).contains(part.utf8.count),
                part.utf8.allSatisfy({ (0x30...0x39).contains($0) }),
                let number = Int(part)
            else { return nil }
            numbers.append(number)
        }
        guard numbers.count <= 3 else { return nil }
        var units = [60]
        if halves.count == 2 {
            units = [3600, 60, 1]
        } else if numbers.count > 1 {
            units = numbers.count == 2 ? [60, 1] : [3600, 60, 1]
        }
        var seconds = zip(numbers, units).reduce(0) { $0 + $1.0 * $1.1 }
        if halves.count == 2 {
            guard (1...4).contains(halves[0].utf8.count), let days = Int(halves[0]), days >= 0
            else {
                return nil
            }
            seconds += days * 86_400
        }
        return seconds > 0 ? seconds : nil
    }
}
