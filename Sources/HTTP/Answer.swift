import CCurl

/// Takes the body of a good answer as it arrives.
package protocol BodySink: AnyObject {
    /// Learns status and headers before the first byte; false refuses the body.
    func begin(_ answer: Answer) -> Bool
    /// Takes bytes; false refuses them.
    func take(_ bytes: UnsafeRawBufferPointer) -> Bool
}

/// What a server said before the body.
package struct Answer: Sendable {
    /// The status, such as 200.
    package var status = 0
    /// Headers under their names in small letters; the last one of a name counts.
    package var headers: [String: String] = [:]
    /// How long the server asks to wait; nil when it does not say.
    package var requestedWait: Duration?

    /// Whether a body of the file itself follows.
    package var isGood: Bool { status == 200 || status == 206 }
}

/// How a transfer ended.
package enum TransferEnd: Sendable {
    /// The server answered, with whatever status.
    case answered(Answer)
    /// The sink refused the body.
    case refused(Answer)
    /// No server could be reached, now or earlier on this connection.
    case unconnected(reason: String)
    /// No answer, or one that broke off.
    case broken(CURLcode, reason: String)
    /// The same, and another attempt cannot change it.
    case hopeless(CURLcode, reason: String)
}
