/// A regular expression, written as for Python, that must match a name as a whole.
///
/// - Source: `re.fullmatch`, with which SAE Bench selects. What Swift's expressions lack is an
///   error, lookbehind and conditions among it.
public struct NamePattern {
    /// The expression as given.
    public let text: String
    /// The expression as Swift takes it.
    private let expression: Regex<AnyRegexOutput>

    /// Reads an expression.
    ///
    /// - Throws: ``AutoencoderError`` with the reason.
    public init(_ text: String) throws(AutoencoderError) {
        self.text = text
        do {
            expression = try Regex(swiftExpression(ofPython: text))
                .matchingSemantics(.unicodeScalar)
        } catch {
            throw AutoencoderError(
                .malformed, "`\(text)` is no regular expression: \(error)",
                advice:
                    "one such as `layer_(5|12)/.*`, with a backslash before signs that are meant "
                    + "literally")
        }
    }

    /// Whether the whole of a name matches.
    public func matches(_ name: String) -> Bool {
        // Only expressions with code of their own can throw here, and text makes none.
        ((try? expression.wholeMatch(in: name)) ?? nil) != nil
    }
}

/// An expression with the sets of Python, in which brackets and doubled signs stand for themselves,
/// written as Swift reads it.
private func swiftExpression(ofPython text: String) -> String {
    var result = ""
    var rest = Substring(text)
    var isSet = false
    while let sign = rest.popFirst() {
        result.append(sign)
        if sign == "\\" {
            if let escaped = rest.popFirst() { result.append(escaped) }
        } else if isSet {
            if sign == "]" {
                isSet = false
            } else if sign == "[" || ("&-~".contains(sign) && rest.first == sign) {
                result.removeLast()
                result += "\\\(sign)"
            }
        } else if sign == "[" {
            isSet = true
            if rest.first == "^", let negation = rest.popFirst() { result.append(negation) }
            if rest.first == "]" {
                rest.removeFirst()
                result += "\\]"
            }
        }
    }
    return result
}
