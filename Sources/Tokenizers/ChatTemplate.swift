import Basics

/// One turn of a conversation.
public struct ChatTurn: Sendable, Equatable {
    /// Who speaks.
    public enum Role: String, Sendable {
        /// The one who sets the rules.
        case system
        /// The one who asks.
        case user
        /// The model.
        case assistant
    }

    /// Who speaks.
    public var role: Role
    /// What is said.
    public var content: String

    /// A turn.
    public init(_ role: Role, _ content: String) { (self.role, self.content) = (role, content) }
}

/// The way an instruction-tuned model wants conversations written.
///
/// The model's own `chat_template` is a program in Jinja, which is never run: the form is recognised
/// by the tokens that the program writes, and written by hand. A form that is not recognised is an
/// error that names its tokens. The text holds the BOS where the form has one, so it is encoded
/// without special tokens around it.
///
/// - Source: `apply_chat_template` of `transformers`; the forms are those of Gemma 1 to 3, Llama 2,
///   Llama 3 and Llama 3.1 to 3.3, as their model cards describe them.
public struct ChatTemplate: Sendable, Equatable {
    /// The forms that are known.
    public enum Form: String, Sendable, CaseIterable {
        /// `<start_of_turn>user`, turns of user and model.
        case gemma
        /// `[INST]` around the user's turns, `<<SYS>>` around the rules.
        case llama2
        /// `<|start_header_id|>` around each role.
        case llama3
        /// The same with a first turn that tells dates.
        case llama31
    }

    /// The form.
    public let form: Form
    /// The text at the beginning, such as `<bos>`; empty where the form has none.
    public let bos: String
    /// The text that ends the model's turns in the form of Llama 2, such as `</s>`.
    public let eos: String
    /// Whether white space around what is said is left out.
    public let trims: Bool
    /// The day that the form of Llama 3.1 tells: the one that is written in the template, such as
    /// `26 Jul 2024`, also where the template would tell the present day.
    public var date: String

    /// A form as the model's makers use it.
    public init(
        _ form: Form, bos: String, eos: String = "", trims: Bool = true,
        date: String = "26 Jul 2024"
    ) {
        (self.form, self.bos, self.eos) = (form, bos, eos)
        (self.trims, self.date) = (trims, date)
    }

    /// The text of a conversation.
    ///
    /// - Parameter addsGenerationPrompt: whether the model's next turn is opened; the form of Llama
    ///   2 has nothing to open.
    /// - Throws: ``TokenizerError`` when the form does not hold these turns.
    public func text(
        of turns: [ChatTurn], addsGenerationPrompt: Bool = true
    ) throws(TokenizerError) -> String {
        guard let first = turns.first else {
            throw conversationError("there are no turns")
        }
        switch form {
        case .gemma:
            try checkAlternation(turns, hasSystem: false)
            let body = turns.map { turn in
                let name = turn.role == .assistant ? "model" : "user"
                return "<start_of_turn>\(name)\n\(trimmed(turn.content))<end_of_turn>\n"
            }
            return bos + body.joined() + (addsGenerationPrompt ? "<start_of_turn>model\n" : "")
        case .llama2:
            let hasSystem = first.role == .system
            try checkAlternation(turns, hasSystem: hasSystem)
            return llama2Text(turns[(hasSystem ? 1 : 0)...], rules: hasSystem ? first.content : nil)
        case .llama3:
            return bos + turns.map(llama3Text).joined() + opening(addsGenerationPrompt)
        case .llama31:
            let hasSystem = first.role == .system
            let rules = hasSystem ? trimmed(first.content) : ""
            let days = "Cutting Knowledge Date: December 2023\nToday Date: \(date)\n\n"
            return bos + Self.header(.system) + days + rules + "<|eot_id|>"
                + turns[(hasSystem ? 1 : 0)...].map(llama3Text).joined()
                + opening(addsGenerationPrompt)
        }
    }

    /// The text of one question, with the model's answer opened.
    public func text(ofQuestion question: String) throws(TokenizerError) -> String {
        try text(of: [ChatTurn(.user, question)])
    }
}

// MARK: - Forms

extension ChatTemplate {
    /// Turns of Llama 2; the rules stand inside the first question.
    private func llama2Text(_ turns: ArraySlice<ChatTurn>, rules: String?) -> String {
        var text = ""
        for (index, turn) in turns.enumerated() {
            if turn.role == .assistant {
                text += " \(trimmed(turn.content)) \(eos)"
            } else {
                let rules = index == 0 ? rules.map { "<<SYS>>\n\($0)\n<</SYS>>\n\n" } : nil
                text += "\(bos)[INST] \(trimmed((rules ?? "") + turn.content)) [/INST]"
            }
        }
        return text
    }

    /// One turn of Llama 3.
    private func llama3Text(_ turn: ChatTurn) -> String {
        "\(Self.header(turn.role))\(trimmed(turn.content))<|eot_id|>"
    }

    /// The header of a turn of Llama 3.
    private static func header(_ role: ChatTurn.Role) -> String {
        "<|start_header_id|>\(role.rawValue)<|end_header_id|>\n\n"
    }

    /// The header of the model's next turn, when it is wanted.
    private func opening(_ isWanted: Bool) -> String { isWanted ? Self.header(.assistant) : "" }

    /// User and model must take turns, the user first, behind the rules where they are allowed.
    private func checkAlternation(_ turns: [ChatTurn], hasSystem: Bool) throws(TokenizerError) {
        let spoken = turns[(hasSystem ? 1 : 0)...]
        for (index, turn) in spoken.enumerated()
        where turn.role != (index % 2 == 0 ? .user : .assistant) {
            throw conversationError("turn \(index + 1) is of the role `\(turn.role.rawValue)`")
        }
        if spoken.isEmpty { throw conversationError("the user says nothing") }
    }

    /// The error for turns that the form does not hold.
    private func conversationError(_ what: String) -> TokenizerError {
        TokenizerError(
            .conversation,
            "The chat form `\(form.rawValue)` does not hold this conversation: \(what)",
            advice: "give turns of user and assistant in turn, the user first")
    }

    /// What is said, less the white space around it where the form wants that.
    private func trimmed(_ content: String) -> String {
        trims ? content.trimmedAsInPython : content
    }
}

extension String {
    /// The text without white space at its ends, as `str.strip` of Python has it: Unicode's white
    /// space and the four separators U+001C to U+001F.
    var trimmedAsInPython: String {
        func isSpace(_ scalar: Unicode.Scalar) -> Bool {
            scalar.properties.isWhitespace || (0x1C...0x1F).contains(scalar.value)
        }
        guard let first = unicodeScalars.firstIndex(where: { !isSpace($0) }),
            let last = unicodeScalars.lastIndex(where: { !isSpace($0) })
        else { return "" }
        return String(unicodeScalars[first...last])
    }
}
