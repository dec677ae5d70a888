import Basics

/// The arguments that `transformers` makes a tokenizer with, by name and in order.
struct TokenizerArguments {
    /// The arguments.
    private(set) var members: [JSONMember]
    /// The file that names them, for messages.
    let source: String

    /// The entries of `tokenizer_config.json`.
    init(_ configuration: JSON?, source: String) {
        members = configuration?.members ?? []
        self.source = source
    }

    /// An argument; nil when it is not given. Of entries that share a name the last one counts.
    subscript(key: String) -> JSON? {
        get { members.last { $0.key == key }?.value }
        set {
            guard let newValue else { return members.removeAll { $0.key == key } }
            if let index = members.lastIndex(where: { $0.key == key }) {
                members[index].value = newValue
            } else {
                members.append(JSONMember(key: key, value: newValue))
            }
        }
    }

    /// A truth value.
    ///
    /// - Parameter nullIsStandard: whether null counts as nothing said; else it is refused.
    /// - Throws: ``TokenizerError`` for another kind of value.
    func truth(
        _ key: String, _ standard: Bool, nullIsStandard: Bool = false
    ) throws(TokenizerError) -> Bool {
        guard let value = self[key], !(nullIsStandard && value.isNull) else { return standard }
        guard let truth = value.truth else { throw wrong(key, value, "true or false") }
        return truth
    }

    /// A side, by default the right one.
    ///
    /// - Throws: ``TokenizerError`` for anything but `left` and `right`.
    func isLeft(_ key: String, _ standard: Bool = false) throws(TokenizerError) -> Bool {
        guard let value = self[key] else { return standard }
        guard let text = value.text, ["left", "right"].contains(text) else {
            throw wrong(key, value, "`left` or `right`")
        }
        return text == "left"
    }

    /// The error for a value that no tokenizer has.
    func wrong(_ key: String, _ value: JSON, _ allowed: String) -> TokenizerError {
        TokenizerError(
            .malformed, "\(source): `\(key)` is \(value.text()), not \(allowed)",
            advice: "correct tokenizer_config.json, or download the tokenizer's files again")
    }
}
