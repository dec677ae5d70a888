/// One bit for each processor that this process may use.
public func allowedProcessors() -> [UInt8] {
    let status = (try? readPseudoFile("/proc/self/status")) ?? ""
    let line = status.split(separator: "\n").first { $0.hasPrefix("Cpus_allowed:") }
    let digits = line?.split(separator: "\t").last?.compactMap(\.hexDigitValue) ?? [1]
    return digits.reversed().map { UInt8($0) }
}

/// Cores that this process may use.
public var coreCount: Int { max(1, allowedProcessors().reduce(0) { $0 + $1.nonzeroBitCount }) }
