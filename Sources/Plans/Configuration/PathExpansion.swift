import Basics
import Glibc

/// A path with `~`, `$NAME` and `${NAME}` written out, as a shell does.
///
/// A path that exists as it is written stays as it is, and so does a `$` before anything but a name.
///
/// - Parameter place: the key or flag that holds it, for messages.
/// - Throws: ``RunError`` for a variable that is not set and for the home folder of another user.
public func expandedPath(
    _ path: String, of place: String,
    environment: (String) -> String? = { getenv($0).map { String(cString: $0) } }
) throws(RunError) -> String {
    guard path.hasPrefix("~") || path.contains("$"), !fileExists(path), !folderExists(path) else {
        return path
    }
    func value(_ name: String, as written: String) throws(RunError) -> String {
        if let value = environment(name), !value.isEmpty { return value }
        throw RunError(
            .badConfig,
            "\(place) holds `\(path)`, and `\(written)` cannot be written out: "
                + "the variable \(name) is not set",
            advice: "set \(name), or write the path out")
    }
    var result = ""
    var rest = path[...]
    if rest.hasPrefix("~") {
        guard rest.dropFirst().first ?? "/" == "/" else {
            throw RunError(
                .badConfig,
                "\(place) holds `\(path)`, which names the home folder of another user",
                advice: "write the path out")
        }
        result = try value("HOME", as: "~")
        rest = rest.dropFirst()
    }
    while let dollar = rest.firstIndex(of: "$") {
        result += rest[..<dollar]
        let after = rest[dollar...].dropFirst()
        let isBraced = after.first == "{"
        let name = after.dropFirst(isBraced ? 1 : 0).prefix {
            $0.isASCII && ($0.isLetter || $0.isNumber || $0 == "_")
        }
        let isName = name.first.map { !$0.isNumber } ?? false
        let tail = rest[name.endIndex...]
        guard isName, !isBraced || tail.first == "}" else {
            result += "$"
            rest = after
            continue
        }
        rest = isBraced ? tail.dropFirst() : tail
        result += try value(String(name), as: isBraced ? "${\(name)}" : "$\(name)")
    }
    return result + rest
}
