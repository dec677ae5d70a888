/// What the text of a field of CSV is as a value, as pandas reads it.
enum FieldValue {
    /// The texts that stand for no value.
    ///
    /// - Source: the list of `na_values` in the documentation of `read_csv`.
    private static let missing: Set<String> = [
        "", "#N/A", "#N/A N/A", "#NA", "-1.#IND", "-1.#QNAN", "-NaN", "-nan", "1.#IND", "1.#QNAN",
        "<NA>", "N/A", "NA", "NULL", "NaN", "None", "n/a", "nan", "null",
    ]

    /// Whether a field stands for no value.
    static func isMissing(_ text: String) -> Bool { missing.contains(text) }

    /// An integer of 64 bits, spaces around it allowed.
    static func integer(_ text: String) -> Int? { Int(trimmed(text)) }

    /// A number in decimal notation, spaces around it allowed.
    static func number(_ text: String) -> Double? {
        let digits = trimmed(text)
        let allowed = "0123456789+-.eE".utf8
        guard !digits.isEmpty, digits.utf8.allSatisfy({ allowed.contains($0) }) else { return nil }
        return Double(digits)
    }

    /// A truth value.
    static func truth(_ text: String) -> Bool? {
        switch text {
        case "True", "TRUE", "true": true
        case "False", "FALSE", "false": false
        default: nil
        }
    }

    /// A text without spaces at its ends.
    private static func trimmed(_ text: String) -> Substring {
        var rest = text[...]
        while rest.first == " " { rest.removeFirst() }
        while rest.last == " " { rest.removeLast() }
        return rest
    }
}
