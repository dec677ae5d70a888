import Basics
import Glibc

/// `log.jsonl`: what happened in a run, one JSON object a line, written by rank 0.
///
/// Every event has `time`, seconds since 1970 by rank 0's clock, and `event`:
///
/// | event | further keys |
/// | --- | --- |
/// | `start` | `plan`, `ranks`, `units`, `hosts`: the host of each rank, `threads`: of each rank |
/// | `begin` | `rank`, `task`: a name of its own in this run; a rank was handed a task |
/// | `block` | end of a task that filled a block: `rank`, `task`, `seconds`, `parts`, `bytes_read`, `bytes_written`, `peak_bytes` |
/// | `unit` | end of a task that evaluated a unit: the same, and `evaluation`, `hook`, `unit`, `keys` |
/// | `result` | `evaluation`, `sae`, `file`: below `eval_results`; it is written |
/// | `failure` | `evaluation`, `sae`, `reason` |
/// | `lost` | `rank`, `task`, `reason`: a rank died or fell silent and its task goes to another |
/// | `note`, `error` | `text` |
/// | `end`, `stop` | `seconds`, `failures`, `told_bytes`: memory of a rank by the plan, `peak_bytes`: of each rank, measured |
///
/// `seconds` of a task are the worker's, so it ran from `time - seconds` to `time`. `parts` has the
/// seconds of it that went into `loading` (weights), `reading` (activations) and `writing`
/// (activations); the rest is arithmetic. `peak_bytes` is the most memory that the rank had used by
/// then as the system counts it, mapped weights included.
package final class EventLog {
    private let descriptor: Int32

    package init(path: String) throws {
        descriptor = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o644)
        guard descriptor >= 0 else {
            throw BasicsError.unwritable(
                "\(path) cannot be written", advice: "choose another output folder")
        }
    }

    deinit { close(descriptor) }

    /// Tells the user a sentence, which the log then has too.
    package func note(_ text: String) {
        Console.note(text)
        write("note", [("text", .string(text))])
    }

    /// Adds an event with the time and some values.
    package func write(_ event: String, _ values: [(String, JSON)] = []) {
        var members = [
            JSONMember(key: "time", value: .number(currentEpochSeconds())),
            JSONMember(key: "event", value: .string(event)),
        ]
        members += values.map { JSONMember(key: $0.0, value: $0.1) }
        let line = Array((JSON.object(members).text() + "\n").utf8)
        _ = line.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
    }
}
