import Basics
import CCurl

/// One connection to servers, made by libcurl; reused from one request to the next.
///
/// Nothing is loaded or opened before the first object of this class. Not for two threads at a time.
package final class HTTPConnection {
    /// libcurl's handle.
    private var handle: UnsafeMutableRawPointer
    /// Whether a server has ever answered.
    private var hasBeenAnswered = false
    /// Who asks, and how servers are checked.
    private let settings: HTTPSettings
    /// Limits of attempts and waits.
    private let limits: HTTPLimits

    /// Starts libcurl once.
    private static let start: CURLcode = ccurl_global_init()

    /// A connection with the token and the time-outs that requests need.
    package init(settings: HTTPSettings, limits: HTTPLimits) throws(HTTPError) {
        (handle, self.settings, self.limits) = (try Self.newHandle(), settings, limits)
    }

    /// A handle of libcurl.
    private static func newHandle() throws(HTTPError) -> UnsafeMutableRawPointer {
        guard start == CURLE_OK, let handle = curl_easy_init() else {
            throw HTTPError(.library, "libcurl does not start", advice: "check its installation")
        }
        return handle
    }

    deinit { curl_easy_cleanup(handle) }

    /// Gets an address, following redirects; the token goes to the address's own host alone.
    ///
    /// - Parameters:
    ///   - address: an address at the endpoint.
    ///   - offset: the first byte wanted.
    package func get(_ address: String, from offset: Int = 0, into sink: any BodySink)
        throws(HTTPError)
        -> TransferEnd
    {
        curl_easy_reset(handle)
        let exchange = Exchange(sink: sink)
        var headers: UnsafeMutablePointer<curl_slist>?
        defer { curl_slist_free_all(headers) }
        headers = curl_slist_append(headers, "Accept-Encoding: identity")
        try prepare(address, offset: offset, headers: headers, exchange: exchange)
        let code = withExtendedLifetime(exchange) { curl_easy_perform(handle) }
        if exchange.answer.status != 0 { hasBeenAnswered = true }
        if exchange.isRefused { return .refused(exchange.answer) }
        guard code == CURLE_OK else {
            // libcurl 7.88 keeps the buffer of a transfer that found no host, and takes no new size.
            let new = try Self.newHandle()
            curl_easy_cleanup(handle)
            handle = new
            let reason = String(cString: curl_easy_strerror(code))
            if Self.hopeless.contains(code) { return .hopeless(code, reason: reason) }
            let isConnected = hasBeenAnswered || !Self.unconnected.contains(code)
            return isConnected ? .broken(code, reason: reason) : .unconnected(reason: reason)
        }
        var answer = exchange.answer
        var wait: curl_off_t = 0
        try check(ccurl_get_offset(handle, CURLINFO_RETRY_AFTER, &wait), "CURLINFO_RETRY_AFTER")
        if wait > 0 { answer.requestedWait = .seconds(Int64(wait)) }
        answer.requestedWait = answer.requestedWait ?? Self.resetTime(answer.headers["ratelimit"])
        return .answered(answer)
    }

    /// Ends that a machine without a network gives.
    private static let unconnected: Set<CURLcode> = [
        CURLE_COULDNT_RESOLVE_HOST, CURLE_COULDNT_RESOLVE_PROXY, CURLE_COULDNT_CONNECT,
        CURLE_OPERATION_TIMEDOUT,
    ]

    /// Ends that another attempt cannot change.
    private static let hopeless: Set<CURLcode> = [
        CURLE_UNSUPPORTED_PROTOCOL, CURLE_URL_MALFORMAT, CURLE_TOO_MANY_REDIRECTS,
        CURLE_PEER_FAILED_VERIFICATION, CURLE_SSL_CACERT_BADFILE, CURLE_OUT_OF_MEMORY,
        CURLE_BAD_FUNCTION_ARGUMENT,
    ]

    /// Sets all options of one request.
    private func prepare(
        _ address: String, offset: Int, headers: UnsafeMutablePointer<curl_slist>?,
        exchange: Exchange
    ) throws(HTTPError) {
        try text(CURLOPT_URL, address)
        try text(CURLOPT_USERAGENT, "saeval")
        let schemes = settings.requiresEncryption ? "https" : "http,https"
        try text(CURLOPT_PROTOCOLS_STR, schemes)
        try text(CURLOPT_REDIR_PROTOCOLS_STR, schemes)
        if let file = settings.certificateFile { try text(CURLOPT_CAINFO, file) }
        try number(CURLOPT_FOLLOWLOCATION, 1)
        try number(CURLOPT_MAXREDIRS, limits.redirects)
        if let token = settings.token {
            // libcurl keeps it from other hosts, ports and schemes when it follows a redirect.
            try number(CURLOPT_HTTPAUTH, ccurl_bearer())
            try text(CURLOPT_XOAUTH2_BEARER, token)
            try number(CURLOPT_UNRESTRICTED_AUTH, 0)
        }
        if offset > 0 { try text(CURLOPT_RANGE, "\(offset)-") }
        try check(ccurl_set_list(handle, CURLOPT_HTTPHEADER, headers), "CURLOPT_HTTPHEADER")
        try number(CURLOPT_BUFFERSIZE, 1 << 18)
        try number(CURLOPT_CONNECTTIMEOUT, limits.connectSeconds)
        try number(CURLOPT_LOW_SPEED_LIMIT, limits.slowBytesPerSecond)
        try number(CURLOPT_LOW_SPEED_TIME, limits.slowSeconds)
        let target = Unmanaged.passUnretained(exchange).toOpaque()
        try check(ccurl_set_pointer(handle, CURLOPT_HEADERDATA, target), "CURLOPT_HEADERDATA")
        try check(ccurl_set_pointer(handle, CURLOPT_WRITEDATA, target), "CURLOPT_WRITEDATA")
        let header = ccurl_set_sink(handle, CURLOPT_HEADERFUNCTION) { bytes, size, count, target in
            Exchange.of(target)?.header(UnsafeRawBufferPointer(start: bytes, count: size * count))
            return size * count
        }
        try check(header, "CURLOPT_HEADERFUNCTION")
        let body = ccurl_set_sink(handle, CURLOPT_WRITEFUNCTION) { bytes, size, count, target in
            let received = UnsafeRawBufferPointer(start: bytes, count: size * count)
            // Fewer bytes than were given end the transfer.
            return Exchange.of(target)?.body(received) == true ? received.count : 0
        }
        try check(body, "CURLOPT_WRITEFUNCTION")
    }

    /// Sets a text option.
    private func text(_ option: CURLoption, _ value: String) throws(HTTPError) {
        try check(ccurl_set_text(handle, option, value), "curl_easy_setopt")
    }

    /// Sets a number option.
    private func number(_ option: CURLoption, _ value: Int) throws(HTTPError) {
        try check(ccurl_set_number(handle, option, value), "curl_easy_setopt")
    }

    /// The seconds after `t=` in the hub's `RateLimit: "api";r=0;t=30`.
    package static func resetTime(_ header: String?) -> Duration? {
        let fields = (header ?? "").split(separator: ";").map { $0.filter { !$0.isWhitespace } }
        guard let field = fields.first(where: { $0.hasPrefix("t=") }),
            let seconds = Int(field.dropFirst(2)), (1...86_400).contains(seconds)
        else { return nil }
        return .seconds(seconds)
    }
}

/// Turns the status of a libcurl call into an error that keeps the call's name.
private func check(_ code: CURLcode, _ call: StaticString) throws(HTTPError) {
    guard code != CURLE_OK else { return }
    let isTooOld = code == CURLE_UNKNOWN_OPTION || code == CURLE_NOT_BUILT_IN
    throw HTTPError(
        .library, "\(call) failed: \(String(cString: curl_easy_strerror(code)))",
        advice: isTooOld
            ? "install libcurl 7.85 or later" : "report this with the output of `curl --version`")
}

/// What libcurl's calls back need during one request.
private final class Exchange {
    /// Takes the body.
    private let sink: any BodySink
    /// The answer of the last server on the way.
    private(set) var answer = Answer()
    /// Whether the sink refused the body.
    private(set) var isRefused = false
    /// Whether the sink knows of the answer.
    private var hasBegun = false
    /// The number of headers of one answer that are kept.
    private static let mostHeaders = 200

    /// Begins a request.
    init(sink: any BodySink) { self.sink = sink }

    /// The object behind libcurl's pointer.
    static func of(_ target: UnsafeMutableRawPointer?) -> Exchange? {
        target.map { Unmanaged<Exchange>.fromOpaque($0).takeUnretainedValue() }
    }

    /// Takes one line of the headers; a status line begins a new answer.
    func header(_ bytes: UnsafeRawBufferPointer) {
        let line = String(decoding: bytes, as: UTF8.self).trimmed
        if line.hasPrefix("HTTP/") {
            answer = Answer()
            answer.status = line.split(separator: " ").dropFirst().first.flatMap { Int($0) } ?? 0
            return
        }
        guard let colon = line.firstIndex(of: ":"), answer.headers.count < Self.mostHeaders else {
            return
        }
        answer.headers[line[..<colon].lowercased()] =
            String(line[line.index(after: colon)...])
            .trimmed
    }

    /// Takes bytes of the body; those of errors are not kept.
    func body(_ bytes: UnsafeRawBufferPointer) -> Bool {
        guard answer.isGood else { return true }
        if !hasBegun {
            hasBegun = true
            isRefused = !sink.begin(answer)
        }
        if !isRefused { isRefused = !sink.take(bytes) }
        return !isRefused
    }
}

extension String {
    /// Without white space at both ends.
    fileprivate var trimmed: String {
        let end = reversed().drop { $0.isWhitespace }.reversed()
        return String(end.drop { $0.isWhitespace })
    }
}
