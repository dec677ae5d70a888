import Glibc

/// Sentences for the person at the terminal; results go to standard output, everything else to
/// standard error.
public enum Console {
    /// Whether standard error is a terminal.
    public static let isTerminal = isatty(STDERR_FILENO) == 1

    /// Prints a sentence.
    public static func note(_ text: String) { write("saeval: \(text)\n") }

    /// Prints as it is.
    public static func write(_ text: String) {
        let bytes = Array(text.utf8)
        _ = bytes.withUnsafeBytes { Glibc.write(STDERR_FILENO, $0.baseAddress, $0.count) }
    }
}
