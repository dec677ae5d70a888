import HTTP

/// Limits of downloads and listings; the defaults suit the hub, and tests set small ones.
@dynamicMemberLookup
public struct HubLimits: Sendable {
    /// Attempts, waits and time-outs of one request, whose names can be used as if they were here.
    public var http = HTTPLimits()
    /// New bytes after which attempts are counted afresh.
    public var progressBytes = 1 << 20
    /// The largest answer that is no file: one page of a listing.
    public var pageBytes = 64 << 20
    /// Pages of one listing.
    public var pages = 10_000
    /// Files of one listing.
    public var files = 1_000_000

    /// The defaults.
    public init() {}

    /// A limit of requests.
    public subscript<Value>(dynamicMember path: WritableKeyPath<HTTPLimits, Value>) -> Value {
        get { http[keyPath: path] }
        set { http[keyPath: path] = newValue }
    }
}
