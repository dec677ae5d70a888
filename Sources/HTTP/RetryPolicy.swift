/// Decides what follows from the end of a transfer, and counts and waits between attempts.
package struct RetryPolicy {
    /// Limits of attempts and waits.
    private let limits: HTTPLimits
    /// Failed attempts in a row.
    package private(set) var failures = 0

    /// What follows from the end of a transfer.
    package enum Verdict {
        /// The answer is good.
        case good
        /// Another attempt may succeed.
        case retry(Cause)
        /// The server's answer will not change.
        case refused(Answer)
        /// Nothing that can be waited for.
        case hopeless(reason: String)
    }

    /// Why an attempt failed.
    package struct Cause {
        /// In a few words.
        package var reason: String
        /// How long the server asks to wait.
        package var requestedWait: Duration?
        /// Whether a server has ever answered; without one there are three attempts, since a machine
        /// without a network will not get one by waiting.
        package var isConnected = true
        /// Whether it is the status of an answer.
        package var isStatus = false

        /// Takes all values.
        package init(
            _ reason: String, requestedWait: Duration? = nil, isConnected: Bool = true,
            isStatus: Bool = false
        ) {
            (self.reason, self.requestedWait) = (reason, requestedWait)
            (self.isConnected, self.isStatus) = (isConnected, isStatus)
        }
    }

    /// What comes after a failed attempt.
    package enum Step {
        /// Wait so long, then try again.
        case wait(Duration)
        /// There is no network.
        case unconnected
        /// It has failed as often as the limit allows.
        case giveUp
        /// The server asks to wait longer than the limit allows.
        case tooLong(Duration)
    }

    /// No attempt has failed yet.
    package init(limits: HTTPLimits) { self.limits = limits }

    /// Forgets failed attempts, since bytes came.
    package mutating func refresh() { failures = 0 }

    /// Looks at the end of a transfer.
    package func verdict(on end: TransferEnd) -> Verdict {
        switch end {
        case .answered(let answer) where answer.isGood: .good
        case .refused(let answer) where answer.isGood: .good
        case .answered(let answer), .refused(let answer):
            [408, 425, 429, 500, 502, 503, 504].contains(answer.status)
                ? .retry(
                    Cause(
                        "status \(answer.status)", requestedWait: answer.requestedWait,
                        isStatus: true))
                : .refused(answer)
        case .unconnected(let reason): .retry(Cause(reason, isConnected: false))
        case .hopeless(_, let reason): .hopeless(reason: reason)
        case .broken(_, let reason): .retry(Cause(reason))
        }
    }

    /// Counts a failed attempt. Waits double from one to the next unless the server names one.
    package mutating func next(after cause: Cause) -> Step {
        failures += 1
        guard cause.isConnected || failures < min(3, limits.attempts) else { return .unconnected }
        guard failures < limits.attempts else { return .giveUp }
        if let requested = cause.requestedWait {
            return requested <= limits.longestRequestedWait ? .wait(requested) : .tooLong(requested)
        }
        var wait = limits.firstWait
        for _ in 1..<failures { wait = min(wait * 2, limits.longestWait) }
        return .wait(wait)
    }
}
