import Basics
import Glibc
import Runs

/// How the program leaves: every thread is joined, then MPI ends, then the exit handlers of libraries
/// run. Commands have released what they opened by then.
enum ProgramEnd {
    /// Leaves with an exit code; collective where MPI runs.
    static func leave(_ code: Int32) -> Never {
        prepare(code: code)
        exit(code)
    }

    /// Ends threads and MPI. Where a thread does not end, the program leaves here, without exit
    /// handlers, which would free what the thread uses.
    static func prepare(code: Int32) {
        fflush(nil)
        let running = BackgroundThread.endAll(withinSeconds: 15)
        guard running.isEmpty else {
            Console.note("left while something still ran: \(running.joined(separator: ", "))")
            _exit(code)
        }
        RankWatch.part()
    }
}
