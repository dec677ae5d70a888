/// Rules for Swift code that are looked at token by token; each gives `file:line` with what is wrong.
enum CodeRules {
    /// Optionals that are unwrapped by force, and casts by force.
    static func forcing(in file: SwiftFile) -> [String] {
        let tokens = file.tokens
        return tokens.indices.compactMap { index in
            guard index > 0, tokens[index].text == "!", tokens[index].isGlued else { return nil }
            let before = tokens[index - 1]
            let line = "\(file.path):\(tokens[index].line)"
            if before.text == "as" || before.text == "try" { return "\(line): \(before.text)!" }
            let isInequality =
                index + 1 < tokens.count && tokens[index + 1].text == "="
                && tokens[index + 1].isGlued
            guard endsValue(before), !isInequality, !isType(before: index, in: tokens) else {
                return nil
            }
            return "\(line): \(before.text)!"
        }
    }

    /// Whether a token can be the last one of a value.
    private static func endsValue(_ token: SwiftToken) -> Bool {
        token.kind != .symbol || [")", "]", "}", ">", "?", "!"].contains(token.text)
    }

    /// Whether what ends before an index is a type, as in `var name: Type!` and `-> Type!`.
    private static func isType(before end: Int, in tokens: [SwiftToken]) -> Bool {
        var depth = 0
        for index in tokens[..<end].indices.reversed() {
            let text = tokens[index].text
            if [")", "]"].contains(text) { depth += 1 }
            if ["(", "["].contains(text) { depth -= 1 }
            if depth < 0 { return false }
            if depth > 0 { continue }
            if text == ":" {
                return index > 1 && ["var", "let"].contains(tokens[index - 2].text)
                    || tokens[index + 1].text.first?.isUppercase == true
            }
            if text == ">" && index > 0 && tokens[index - 1].text == "-" { return true }
            let isOfType = tokens[index].kind == .word || "])([.<>,?@".contains(text)
            if !isOfType || ["in", "return", "="].contains(text) { return false }
        }
        return false
    }
}
