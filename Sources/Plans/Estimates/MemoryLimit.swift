import Basics

/// Memory that the ranks of a node may use together.
public struct MemoryLimit: Sendable, Equatable {
    /// How much it is.
    public var bytes: Int
    /// Whether the config asks for it; else it is what the machine has, where pages of mapped
    /// weights may be dropped and read again.
    public var isAsked: Bool

    /// Takes a limit.
    public init(bytes: Int, isAsked: Bool) { (self.bytes, self.isAsked) = (bytes, isAsked) }
}

/// Memory that the ranks of this node may use: the config's limit, else what is available now and
/// what the control group of this process allows.
public func memoryLimit(_ configuration: RunConfiguration) -> MemoryLimit? {
    if let limit = configuration.memoryGiB {
        return MemoryLimit(bytes: Int(limit * 1_073_741_824), isAsked: true)
    }
    return availableMemoryBytes().map { MemoryLimit(bytes: $0, isAsked: false) }
}
