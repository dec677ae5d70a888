import Glibc

/// The name of this host.
public func hostName() -> String {
    var name = [CChar](repeating: 0, count: 256)
    gethostname(&name, 255)
    return String(decoding: name.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
}

/// Bytes of memory of this host.
public func hostMemoryBytes() -> Int {
    max(1, sysconf(Int32(_SC_PHYS_PAGES)) * sysconf(Int32(_SC_PAGESIZE)))
}

/// Bytes that the processes of this host may still take: what is available now, or what the control
/// group of this process allows where that is less; nil where the system tells neither.
public func availableMemoryBytes() -> Int? {
    let group = (try? readPseudoFile("/proc/self/cgroup")).flatMap {
        groupLimit(groups: $0) { try? readPseudoFile("/sys/fs/cgroup\($0)") }
    }
    let available = (try? readPseudoFile("/proc/meminfo")).flatMap(availableMemory)
    return [group, available].compactMap(\.self).min()
}

/// The bytes that `/proc/meminfo` calls available.
private func availableMemory(_ text: String) -> Int? {
    let line = text.split(separator: "\n").first { $0.hasPrefix("MemAvailable:") }
    return line?.split(separator: " ").dropFirst().first.flatMap { Int($0) }.map { $0 * 1024 }
}

/// The smallest limit of a control group of this process and of those above it.
///
/// - Parameters:
///   - groups: the text of `/proc/self/cgroup`.
///   - read: gives the text of a file below the folder of control groups.
/// - Returns: nil where nothing is limited.
func groupLimit(groups: String, read: (String) -> String?) -> Int? {
    var limits: [Int] = []
    for line in groups.split(separator: "\n") {
        let parts = line.split(separator: ":", maxSplits: 2, omittingEmptySubsequences: false)
        guard parts.count == 3 else { continue }
        let isSecond = parts[0] == "0" && parts[1].isEmpty
        guard isSecond || parts[1].split(separator: ",").contains("memory") else { continue }
        let (root, name) =
            isSecond ? ("", "memory.max") : ("/memory", "memory.limit_in_bytes")
        var steps = parts[2].split(separator: "/")
        while true {
            let folder = steps.map { "/\($0)" }.joined()
            let words = read("\(root)\(folder)/\(name)")?.split(whereSeparator: \.isWhitespace)
            // Without a limit the file says `max`, or a number beyond any machine.
            if let limit = words?.first.flatMap({ Int($0) }), limit < 1 << 60 {
                limits.append(limit)
            }
            guard steps.popLast() != nil else { break }
        }
    }
    return limits.min()
}
