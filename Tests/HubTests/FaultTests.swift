import Basics
import Formats
import Foundation
import Synchronization
import Testing

@testable import Hub

@Suite("Faults of a hub", .enabled(if: python != nil, "python3 is not installed"))
struct FaultTests {
    @Test("A wait that the server names is kept", arguments: ["/api/", "weights"])
    func retryAfter(path: String) throws {
        let stub = try HubStub(
            Rule(path, times: 2, "\"status\": 429, \"headers\": {\"Retry-After\": \"7\"}"))
        try stub.fetch()
        try stub.expectWhole()
        #expect(stub.heard.waits.withLock { $0 } == [.seconds(7), .seconds(7)])
        #expect(stub.heard.notes.withLock { $0.first }?.contains("status 429") == true)
    }

    @Test("A wait until a date is kept")
    func retryDate() throws {
        let format = DateFormatter()
        format.locale = Locale(identifier: "en_US_POSIX")
        format.timeZone = TimeZone(identifier: "GMT")
        format.dateFormat = "EEE, dd MMM yyyy HH:mm:ss 'GMT'"
        let date = format.string(from: Date(timeIntervalSinceNow: 100))
        let stub = try HubStub(
            Rule(
                "weights", times: 1, "\"status\": 429, \"headers\": {\"Retry-After\": \"\(date)\"}")
        )
        try stub.fetch()
        let waits = stub.heard.waits.withLock { $0 }
        #expect(waits.count == 1)
        #expect((.seconds(80)...(.seconds(100))).contains(try #require(waits.first)))
    }

    @Test("The hub's own header of limits is kept")
    func rateLimit() throws {
        let stub = try HubStub(
            Rule(
                "weights", times: 1,
                "\"status\": 429, \"headers\": {\"RateLimit\": \"\\\"api\\\";r=0;t=34\"}"))
        try stub.fetch()
        #expect(stub.heard.waits.withLock { $0 } == [.seconds(34)])
    }

    @Test("Without a named wait, waits double up to a bound", arguments: [429, 500, 502, 503, 504])
    func backoff(status: Int) throws {
        let stub = try HubStub(Rule("weights", times: 4, "\"status\": \(status)"))
        try stub.fetch(client: stub.client { $0.longestWait = .seconds(3) })
        try stub.expectWhole()
        #expect(stub.heard.waits.withLock { $0 } == [1, 2, 3, 3].map { .seconds($0) })
    }

    @Test("A server that never recovers is an error after the last attempt")
    func giveUp() throws {
        let stub = try HubStub(Rule("weights", "\"status\": 503"))
        let error = try stub.failure()
        #expect(error.code == .refused)
        #expect(error.message.contains("sub/weights.safetensors of `org/name`"))
        #expect(error.message.contains("status 503, 6 times"))
        #expect(try stub.largeRequests().count == 6)
    }

    @Test("A wait beyond measure is an error that names it")
    func tooLong() throws {
        let stub = try HubStub(
            Rule("/api/", "\"status\": 429, \"headers\": {\"Retry-After\": \"86400\"}"))
        let error = try stub.failure()
        #expect(error.code == .refused)
        #expect(error.message.contains("86400"))
        #expect(stub.heard.waits.withLock { $0.isEmpty })
    }

    @Test("A body that breaks off goes on where it stopped")
    func truncated() throws {
        let stub = try HubStub(Rule("weights", times: 3, "\"cut\": 50000"))
        try stub.fetch()
        try stub.expectWhole()
        let ranges = try stub.largeRequests().map { $0["range"]?.text }
        #expect(ranges == [nil, "bytes=50000-", "bytes=100000-", "bytes=150000-"])
    }

    @Test("A body that breaks off with no length given goes on where it stopped")
    func truncatedWithoutLength() throws {
        let stub = try HubStub(Rule("weights", times: 1, "\"cut\": 50000, \"no_length\": true"))
        try stub.fetch()
        try stub.expectWhole()
        #expect(try stub.largeRequests().count == 2)
    }

    @Test("A body that always breaks off at once is an error, and what came stays")
    func alwaysTruncated() throws {
        let stub = try HubStub(Rule("weights", "\"cut\": 10"))
        let error = try stub.failure()
        #expect(error.code == .unreachable)
        #expect(stub.unfinished.count == 1)
        #expect(try cachedSnapshot(stub) == nil, "the branch points to what is not whole")
    }

    @Test("Attempts are counted afresh when bytes come")
    func progressResets() throws {
        let stub = try HubStub(Rule("weights", times: 20, "\"cut\": 10000"))
        try stub.fetch(client: stub.client { $0.progressBytes = 10_000 })
        try stub.expectWhole()
        #expect(try stub.largeRequests().count == 21)
    }

    @Test("A listing that breaks off is asked for again")
    func truncatedListing() throws {
        let stub = try HubStub(
            Rule("/tree/", times: 1, "\"cut\": 20"),
            Rule("/tree/", times: 1, "\"cut\": 30, \"no_length\": true"))
        try stub.fetch()
        try stub.expectWhole()
        #expect(try stub.requests().count { $0["path"]?.text?.contains("/tree/") == true } == 3)
    }

    @Test("Wrong bytes are thrown away and fetched once more", arguments: ["weights", "config"])
    func wrongOnce(path: String) throws {
        let stub = try HubStub(Rule(path, times: 1, "\"corrupt\": true"))
        try stub.fetch()
        try stub.expectWhole()
        #expect(try stub.requests().count { $0["path"]?.text?.contains(path) == true } == 2)
    }

    @Test(
        "Bytes that are wrong twice are an error, and nothing stays",
        arguments: ["weights", "config"])
    func wrongTwice(path: String) throws {
        let stub = try HubStub(Rule("resolve.*\(path)", "\"corrupt\": true"))
        let error = try stub.failure()
        #expect(error.code == .wrongBytes)
        #expect(error.message.contains(path))
        #expect(try stub.requests().count { $0["path"]?.text?.contains(path) == true } == 2)
        let left = stub.unfinished.compactMap { fileByteCount("\(stub.cache.folder)/\($0)") }
        #expect(left.allSatisfy { $0 == 0 })
    }

    @Test("A server that ignores ranges sends everything again")
    func ignoredRange() throws {
        let stub = try HubStub(
            Rule("weights", times: 1, "\"cut\": 50000"),
            Rule("weights", "\"ignore_range\": true"))
        try stub.fetch()
        try stub.expectWhole()
        #expect(try stub.largeRequests().count == 2)
    }

    @Test("No length, no hash and no commit in the answer do no harm")
    func bare() throws {
        let stub = try HubStub(Rule("resolve", "\"bare\": true, \"no_length\": true"))
        try stub.fetch()
        try stub.expectWhole()
    }

    @Test("A body longer than promised is refused")
    func longBody() throws {
        let stub = try HubStub(Rule("weights", "\"extra\": 5"))
        #expect(try stub.failure().code == .wrongBytes)
        #expect(try stub.largeRequests().count == 2)
    }

    @Test(
        "A listing that promises more bytes than come is an error", arguments: [300_001, 1 << 62])
    func lyingLength(size: Int) throws {
        let hash = String(repeating: "a", count: 64)
        let stub = try HubStub(
            Rule(
                "/tree/",
                "\"entries\": [{\"type\": \"file\", \"path\": \"sub/weights.safetensors\", \"size\": 1, \"oid\": \"\", \"lfs\": {\"oid\": \"\(hash)\", \"size\": \(size)}}]"
            ))
        let error = try stub.failure()
        // Attempts take turns: a body that ends early, and then a part that is not there.
        #expect(error.code == .wrongBytes)
        #expect(try stub.largeRequests().count == 6)
    }

    @Test("A drip is too slow, and the next attempt goes on")
    func drip() throws {
        let stub = try HubStub(Rule("weights", times: 1, "\"drip\": 0.05"))
        let start = ContinuousClock.now
        try stub.fetch(client: stub.client { $0.slowSeconds = 1 })
        try stub.expectWhole()
        #expect(ContinuousClock.now - start < .seconds(6))
        #expect(try stub.largeRequests().last?["range"]?.text?.hasPrefix("bytes=") == true)
    }

    @Test(
        "Without a network, three attempts end with a sentence that says so",
        arguments: ["http://127.0.0.1:1", "https://nobody.invalid"])
    func noNetwork(endpoint: String) throws {
        let stub = try HubStub()
        let waits = Mutex<[Duration]>([])
        var limits = HubLimits()
        limits.sleep = { wait in waits.withLock { $0.append(wait) } }
        let client = try HubClient(settings: HubSettings(endpoint: endpoint), limits: limits)
        let error = try stub.failure(client: client)
        #expect(error.code == .unreachable)
        #expect(
            error.message.hasPrefix("There is no network connection to \(endpoint): "), "\(error)")
        #expect(error.advice?.contains("HF_ENDPOINT") == true)
        #expect(waits.withLock { $0 } == [.seconds(1), .seconds(2)])
    }

    @Test("A server that goes away after its first answer is waited for to the last attempt")
    func goneAway() throws {
        let stub = try HubStub(Rule("weights", "\"cut\": 10"))
        let error = try stub.failure()
        #expect(error.message.contains("6 times in a row"), "\(error)")
    }

    /// The snapshot in the cache; nil when there is none.
    private func cachedSnapshot(_ stub: HubStub) throws -> String? {
        try? stub.cache.snapshot(of: "org/name")
    }
}
