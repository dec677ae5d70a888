/// What can go wrong between ranks.
public struct MessagingError: Error, Sendable, CustomStringConvertible {
    /// What to branch on.
    public enum Code: String, Sendable, CaseIterable {
        /// A call failed; a rank is not one of this run; a message is too long; MPI allows one
        /// thread only; MPI was ended.
        case callFailed, invalidRank, tooLong, noThreads, finalized
        /// The program was started in a way in which ranks cannot find each other.
        case launch
    }

    /// What to branch on.
    public var code: Code
    /// One sentence for the reader, with the call and the value.
    public var message: String
    /// What to do about it.
    public var advice: String?

    /// Makes an error. This target is in the row of `Basics` and so cannot use its `Failure`.
    public init(_ code: Code, _ message: String, advice: String? = nil) {
        (self.code, self.message, self.advice) = (code, message, advice)
    }

    /// The message, the code in brackets and the remedy.
    public var description: String {
        let hint = advice.map { " Try: \($0)." } ?? ""
        return "\(message) [messaging.\(code.rawValue)]\(hint)"
    }
}
