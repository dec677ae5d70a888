import Basics
import Formats
import HTTP

/// Decides what follows from the end of a transfer: good, once more after a wait, or an error.
struct HubRetries {
    /// Limits of attempts and waits.
    let limits: HubLimits
    /// Where the hub is, for messages.
    let settings: HubSettings
    /// Hears of waits.
    let note: (String) -> Void
    /// Counts attempts.
    private var policy: RetryPolicy

    /// What a request is about, for messages.
    struct Subject {
        /// The repository.
        var id: HubID
        /// Model or dataset.
        var kind: HubCache.Kind
        /// The file, or nil for a listing.
        var path: String?

        /// As sentences call it.
        var name: String { path.map { "\($0) of `\(id.repository)`" } ?? "`\(id.repository)`" }
    }

    /// No attempt has failed yet.
    init(limits: HubLimits, settings: HubSettings, note: @escaping (String) -> Void) {
        (self.limits, self.settings, self.note) = (limits, settings, note)
        policy = RetryPolicy(limits: limits.http)
    }

    /// Forgets failed attempts, since bytes came.
    mutating func refresh() { policy.refresh() }

    /// Looks at the end of a transfer and waits where another attempt makes sense.
    ///
    /// - Returns: whether the answer is good; false asks for another attempt.
    /// - Throws: ``HubError`` when there is no sense in another attempt.
    mutating func accepts(_ end: TransferEnd, of subject: Subject) throws(HubError) -> Bool {
        switch policy.verdict(on: end) {
        case .good: return true
        case .refused(let answer): throw refusal(answer, subject)
        case .hopeless(let reason):
            throw HubError(
                .unreachable, "\(subject.name) cannot be fetched: \(reason)",
                advice: "check HF_ENDPOINT, proxies and certificates")
        case .retry(let cause):
            try again(cause, subject, code: cause.isStatus ? .refused : .unreachable)
            return false
        }
    }

    /// Counts a failed attempt and waits for the next.
    ///
    /// - Throws: ``HubError`` after the last one.
    mutating func again(
        _ cause: RetryPolicy.Cause, _ subject: Subject, code: HubDomain.Code
    ) throws(HubError) {
        switch policy.next(after: cause) {
        case .wait(let duration):
            note("\(subject.name): \(cause.reason); the next attempt follows in \(duration)")
            limits.sleep(duration)
        case .unconnected:
            throw HubError(
                code, "There is no network connection to \(settings.endpoint): \(cause.reason)",
                advice:
                    "`saeval fetch` on a machine with a network, such as a login node, with the "
                    + "same HF_HOME, or set HF_ENDPOINT to a mirror or https_proxy to a proxy")
        case .giveUp:
            throw HubError(
                code,
                "\(subject.name) cannot be fetched: \(cause.reason), \(policy.failures) times in a row",
                advice: "check the network and \(settings.endpoint), then the same command, "
                    + "which goes on where this one stopped")
        case .tooLong(let duration):
            throw HubError(
                .refused, "\(settings.endpoint) asks to wait \(duration) for \(subject.name)",
                advice: "the same command after that time, or set HF_TOKEN for higher limits")
        }
    }

    // MARK: - Refusals

    /// The error of an answer that will not change.
    private func refusal(_ answer: Answer, _ subject: Subject) -> HubError {
        let code = answer.headers["x-error-code"] ?? ""
        let said = Self.printable(answer.headers["x-error-message"])
        let folder = subject.kind == .dataset ? "datasets/" : ""
        let page = "\(settings.endpoint)/\(folder)\(subject.id.repository)"
        let token =
            settings.token == nil
            ? "set HF_TOKEN to a token of that account" : "check that HF_TOKEN belongs to it"
        let terms = "accept the terms at \(page) with an account of yours, then \(token)"
        switch (answer.status, code) {
        case (_, "GatedRepo"), (403, _):
            return HubError(
                .forbidden, "`\(subject.id.repository)` is gated: access must be granted" + said,
                advice: terms)
        case (_, "RevisionNotFound"):
            return HubError(
                .notFound,
                "`\(subject.id.repository)` has no revision `\(subject.id.revision)`" + said,
                advice: "see the branches and tags at \(page)")
        case (401, _):
            return HubError(
                .forbidden,
                "`\(subject.id.repository)` does not exist, or is private or gated" + said,
                advice: "check the name; if it is right, \(terms)")
        case (404, _), (410, _):
            return HubError(
                .notFound, "\(settings.endpoint) has no \(subject.name)" + said,
                advice: "check name and revision at \(page)")
        default:
            return HubError(
                .refused, "\(subject.name) cannot be fetched: status \(answer.status)" + said,
                advice: "check HF_ENDPOINT, which is \(settings.endpoint)")
        }
    }

    /// What a server says, in brackets, cut and without control characters.
    private static func printable(_ text: String?) -> String {
        let clean = (text ?? "").unicodeScalars.filter { (0x20...0x7E).contains($0.value) }
        return clean.isEmpty ? "" : " (\(String(String.UnicodeScalarView(clean)).prefix(200)))"
    }
}
