import Basics
import Glibc

/// The place of a bundle that this program was started from, and the environment outside of it.
public enum BundledEnvironment {
    /// The variable by which a bundle's launcher tells its folder.
    static let variable = "SAEVAL_BUNDLE"

    /// The launcher of the bundle that this program was started from; nil outside of bundles.
    public static var launcher: String? {
        guard let folder = getenv(variable).map({ String(cString: $0) }) else { return nil }
        let path = "\(folder)/saeval"
        return fileExists(path) ? path : nil
    }

    /// The environment for programs of the machine: without what the launcher set, since they are to
    /// find their own libraries and their own Open MPI.
    static func outside(of variables: [String] = current) -> [String] {
        let name = "\(variable)="
        guard
            let folder = variables.first(where: { $0.hasPrefix(name) })?.dropFirst(name.utf8.count),
            !folder.isEmpty
        else { return variables }
        func isInside(_ path: Substring) -> Bool { path == folder || path.hasPrefix("\(folder)/") }
        return variables.compactMap { entry in
            guard let equals = entry.firstIndex(of: "=") else { return entry }
            let items = entry[entry.index(after: equals)...]
                .split(separator: ":", omittingEmptySubsequences: false)
            let kept = items.filter { !isInside($0) }
            if kept.count == items.count { return entry }
            return kept.isEmpty ? nil : "\(entry[..<equals])=\(kept.joined(separator: ":"))"
        }
    }

    /// The environment of this process, as `NAME=VALUE`.
    private static var current: [String] {
        var entries: [String] = []
        var next: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?> = environ
        while let entry = next.pointee {
            entries.append(String(cString: entry))
            next += 1
        }
        return entries
    }
}
