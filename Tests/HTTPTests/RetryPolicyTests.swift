import CCurl
import Testing

@testable import HTTP

struct RetryPolicyTests {
    /// Limits of four attempts.
    private static let limits = {
        var limits = HTTPLimits()
        (limits.attempts, limits.longestWait) = (4, .seconds(3))
        return limits
    }()

    /// What a step is, as text.
    private static func text(_ step: RetryPolicy.Step) -> String {
        switch step {
        case .wait(let duration): "wait \(duration)"
        case .unconnected: "unconnected"
        case .giveUp: "give up"
        case .tooLong(let duration): "too long \(duration)"
        }
    }

    @Test("Waits double up to a bound, and the last attempt gives up")
    func doubling() {
        var policy = RetryPolicy(limits: Self.limits)
        let steps = (0..<4).map { _ in Self.text(policy.next(after: .init("broken"))) }
        #expect(
            steps == [
                "wait 1.0 seconds", "wait 2.0 seconds", "wait 3.0 seconds", "give up",
            ])
        policy.refresh()
        #expect(Self.text(policy.next(after: .init("broken"))) == "wait 1.0 seconds")
    }

    @Test("A wait that the server names is kept up to a limit")
    func requested() {
        var policy = RetryPolicy(limits: Self.limits)
        let next = { (wait: Duration) in
            Self.text(policy.next(after: .init("busy", requestedWait: wait)))
        }
        #expect(next(.seconds(80)) == "wait 80.0 seconds")
        #expect(next(.seconds(601)) == "too long 601.0 seconds")
    }

    @Test("Without a network there are three attempts")
    func unconnected() {
        var limits = Self.limits
        limits.attempts = 9
        var policy = RetryPolicy(limits: limits)
        let steps = (0..<3).map { _ in
            Self.text(policy.next(after: .init("no host", isConnected: false)))
        }
        #expect(steps.last == "unconnected" && steps[1] == "wait 2.0 seconds")
    }

    @Test(
        "Statuses that pass are tried again, others are final",
        arguments: [(200, "good"), (206, "good"), (429, "again"), (503, "again"), (404, "final")])
    func statuses(status: Int, expected: String) {
        var answer = Answer()
        answer.status = status
        let verdict =
            switch RetryPolicy(limits: Self.limits).verdict(on: .answered(answer)) {
            case .good: "good"
            case .retry: "again"
            case .refused, .hopeless: "final"
            }
        #expect(verdict == expected)
    }

    @Test("The hub's header of limits says when to come again")
    func resetTime() {
        #expect(HTTPConnection.resetTime("\"api\"; r=0; t=5") == .seconds(5))
        #expect(HTTPConnection.resetTime("t=-1") == nil && HTTPConnection.resetTime("t=x") == nil)
    }
}
