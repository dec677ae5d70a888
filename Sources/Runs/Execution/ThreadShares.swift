import Basics
import Glibc

/// How the cores of each host are shared among its ranks.
struct ThreadShares {
    /// Threads of each rank.
    let share: [Int]
    /// Workers on the host that has the most.
    let mostWorkersOnOneHost: Int
    /// A sentence when ranks are bound to fewer cores than the host lets them use.
    let note: String?

    /// Threads of one rank that work at a time, at most: there are no more than processors.
    let mostAtOnce: Int

    init(ranks: [RankIntroduction], fixed: Int?) {
        var workers: [String: Int] = [:]
        var processors: [String: [UInt8]] = [:]
        for entry in ranks {
            workers[entry.host, default: 0] += 1
            let known =
                processors[entry.host] ?? [UInt8](repeating: 0, count: entry.processors.count)
            processors[entry.host] = zip(known, entry.processors).map { $0 | $1 }
        }
        let count = { (bits: [UInt8]) in bits.reduce(0) { $0 + $1.nonzeroBitCount } }
        share = ranks.map { entry in
            if let fixed { return fixed }
            let cores = count(processors[entry.host] ?? []) / max(1, workers[entry.host] ?? 1)
            return max(1, min(count(entry.processors), cores))
        }
        mostWorkersOnOneHost = workers.values.max() ?? 1
        mostAtOnce =
            zip(ranks, share).map { min(max(1, count($0.processors)), $1) }.max() ?? 1
        let online = sysconf(Int32(_SC_NPROCESSORS_ONLN))
        let used = zip(ranks, share).filter { $0.0.host == ranks[0].host }.reduce(0) { $0 + $1.1 }
        note =
            fixed == nil && ranks.count > 1 && used < online
            ? "The ranks on \(ranks[0].host) are bound to \(used) of \(online) cores; start with `mpirun --bind-to none` to use all"
            : nil
    }
}
