import Activations
import Basics
import EvalKit
import Foundation
import Plans

/// What a rank says of itself before the run, so that rank 0 can compare configs and share the
/// cores.
struct RankIntroduction: Codable {
    /// Hash of config file, flags and program version.
    var configuration: String
    var host: String
    /// One bit for each processor that the rank may use.
    var processors: [UInt8]
    /// Whether the rank has a GPU to compute on.
    var hasGPU = false
    /// The GPU, or why there is none.
    var device = ""
    /// Where the GPU's kernels came from.
    var kernels = ""
    /// Whether there is a driver for GPUs.
    var hasDriver = false
}

/// What the coordinator tells a worker.
enum Command: Codable {
    case begin(RunPlan, threads: Int, usesGPU: Bool)
    /// Open activation sets for writing; all ranks do it together.
    case open([Int])
    /// Close them; all ranks do it together.
    case close
    case perform(WorkTask)
    case stop
    /// Stop, and leave without the others, of whom some are lost.
    case leave
}

/// A piece of work that can be repeated.
enum WorkTask: Codable, Sendable {
    /// Fill one block of some activation sets, which share a row set, from one forward pass.
    case harvest(rowSet: Int, block: Int, sets: [Int])
    /// Evaluate a unit of the plan for some of its subjects; for each of them come the partial results
    /// of the units before it.
    case unit(index: Int, subjects: [SubjectIndex], earlier: [[String]])
}

/// What a worker tells the coordinator.
enum WorkReport: Codable, Sendable {
    case ready
    case harvested(BlockReport)
    case evaluated(UnitReport)
    /// The rank cannot go on.
    case fatal(String)
}

/// What filling a block yielded.
struct BlockReport: Codable, Sendable {
    /// The activation sets, and the checksum of what each got.
    var sets: [Int]
    var checksums: [UInt64]
    var times: TaskTimes
}

/// What one unit yielded.
struct UnitReport: Codable, Sendable {
    var partials: [(SubjectIndex, String)] {
        get { zip(subjects, texts).map { ($0, $1) } }
        set { (subjects, texts) = (newValue.map(\.0), newValue.map(\.1)) }
    }
    private var subjects: [SubjectIndex] = []
    private var texts: [String] = []
    /// Subjects that failed, and why.
    var failures: [Failure] = []
    var times = TaskTimes()

    struct Failure: Codable, Sendable {
        var subject: SubjectIndex
        var reason: String
    }
}

/// Tags of messages.
enum MessageTag {
    static let report: Int32 = 1
    static let command: Int32 = 2
}

/// The bytes of a message.
func messageBytes(_ value: some Encodable) throws -> [UInt8] {
    [UInt8](try JSONEncoder().encode(value))
}

/// The message in some bytes.
func message<Value: Decodable>(_ bytes: [UInt8], as type: Value.Type = Value.self) throws -> Value {
    try JSONDecoder().decode(type, from: Data(bytes))
}
