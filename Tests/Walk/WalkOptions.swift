import OperationWalk

/// What the program is told.
struct WalkOptions {
    /// Where operations run.
    enum Device: String { case cpu, cuda }

    /// Where operations run.
    var device = Device.cpu
    /// What is tried, in this order.
    var operations = Operation.allCases
    /// Seconds after which nothing more is begun; nil for no limit.
    var limitSeconds: Double?
    /// Whether only the device and its libraries are told.
    var isDescription = false
    /// Whether each check is named before it begins, on standard error.
    var isTraced = false
    /// Operations that failed before the program was started anew.
    var failed: [Operation] = []

    /// Reads the words behind the program's name; nil when they cannot be understood.
    init?(_ words: ArraySlice<String>) {
        var rest = words
        while let word = rest.popFirst() {
            if word == "--describe" {
                isDescription = true
            } else if word == "--trace" {
                isTraced = true
            } else {
                guard let value = rest.popFirst(), take(word, value) else { return nil }
            }
        }
    }

    /// Takes an option that has a value.
    ///
    /// - Returns: whether both are known.
    private mutating func take(_ option: String, _ value: String) -> Bool {
        switch option {
        case "--device":
            guard let device = Device(rawValue: value) else { return false }
            self.device = device
        case "--limit-seconds":
            guard let seconds = Double(value), seconds > 0 else { return false }
            limitSeconds = seconds
        case "--only":
            guard let operations = Self.operations(value) else { return false }
            self.operations = operations
        case "--failed":
            guard let operations = Self.operations(value) else { return false }
            failed = operations
        default: return false
        }
        return true
    }

    /// The operations of a list such as `linear,decode`; nil when one of them is not known.
    private static func operations(_ list: String) -> [Operation]? {
        let names = list.split(separator: ",")
        let operations = names.compactMap { Operation(rawValue: String($0)) }
        return !names.isEmpty && operations.count == names.count ? operations : nil
    }

    /// The words that make these options.
    var words: [String] {
        var words = ["--device", device.rawValue, "--only", Self.list(operations)]
        if let limitSeconds { words += ["--limit-seconds", "\(limitSeconds)"] }
        if isTraced { words.append("--trace") }
        if !failed.isEmpty { words += ["--failed", Self.list(failed)] }
        return words
    }

    /// A list as ``operations(_:)`` reads it.
    static func list(_ operations: [Operation]) -> String {
        operations.map(\.rawValue).joined(separator: ",")
    }
}
