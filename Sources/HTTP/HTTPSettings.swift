import Glibc

/// Who asks, and how servers are checked.
package struct HTTPSettings: Sendable {
    /// Proves who asks; sent to the address's own host alone.
    package var token: String?
    /// The file of certificates that servers are checked with; nil takes libcurl's own.
    package var certificateFile: String?

    /// Whether servers without encryption are refused, also behind redirects.
    package var requiresEncryption: Bool

    /// Takes all values.
    package init(
        token: String? = nil, certificateFile: String? = nil, requiresEncryption: Bool = false
    ) {
        (self.token, self.certificateFile) = (token, certificateFile)
        self.requiresEncryption = requiresEncryption
    }
}

/// Limits of attempts, waits and time-outs; tests set small ones.
public struct HTTPLimits: Sendable {
    /// Attempts without progress before giving up.
    public var attempts = 6
    /// The wait after the first failed attempt; it doubles from one to the next.
    public var firstWait = Duration.seconds(1)
    /// The longest wait between attempts where the server names none.
    public var longestWait = Duration.seconds(60)
    /// The longest wait that a server may ask for.
    public var longestRequestedWait = Duration.seconds(600)
    /// How long a connection may take to be made.
    public var connectSeconds = 20
    /// A transfer below this rate is too slow.
    public var slowBytesPerSecond = 1024
    /// How long a transfer may be too slow.
    public var slowSeconds = 30
    /// Redirects that are followed for one request.
    public var redirects = 5
    /// How to wait.
    public var sleep: @Sendable (Duration) -> Void = { duration in
        let (seconds, fraction) = duration.components
        var time = timespec(tv_sec: Int(seconds), tv_nsec: Int(fraction / 1_000_000_000))
        var rest = timespec()
        while nanosleep(&time, &rest) != 0, errno == EINTR { time = rest }
    }

    /// The defaults.
    public init() {}
}
