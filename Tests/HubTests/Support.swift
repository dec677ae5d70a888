import Basics
import Formats
import Foundation
import Synchronization
import Testing

@testable import Hub

/// The interpreter of the stub; nil where there is none.
let python: String? = ["/usr/bin/python3", "/usr/local/bin/python3"].first {
    FileManager.default.isExecutableFile(atPath: $0)
}

/// Something that the stub does wrong, as `stub.py` describes it.
struct Rule {
    /// JSON text of the rule.
    let text: String

    /// - Parameters:
    ///   - path: an expression that is searched in a request's path.
    ///   - times: how often the rule holds; nil is always.
    ///   - what: members of the rule, such as `"status": 500`.
    init(_ path: String, times: Int? = nil, _ what: String) {
        let count = times.map { "\"times\": \($0), " } ?? ""
        text = "{\"path\": \"\(path)\", \(count)\(what)}"
    }
}

/// What a client said and how long it would have waited.
final class Heard: Sendable {
    let notes = Mutex<[String]>([])
    let waits = Mutex<[Duration]>([])
}

/// A hub on this machine, and a cache; both go with this object.
final class HubStub {
    /// The folder of everything.
    let folder: String
    /// Where the hub is.
    let endpoint: String
    /// The cache that downloads go to.
    var cache: HubCache { HubCache(folder: "\(folder)/cache") }
    /// What the client said, and how long it waited without waiting.
    let heard = Heard()

    private let process = Process()
    private let input = Pipe()
    /// Keeps a proxy of this machine out of the way, once.
    private static let withoutProxy: Void = { _ = setenv("no_proxy", "127.0.0.1", 1) }()

    /// Files of the repository `org/name`.
    static let small = Array("{\"a\": 1}\n".utf8)
    static let large = (0..<300_000).map { UInt8(truncatingIfNeeded: $0 &* 2_654_435_761 >> 7) }

    /// Starts a hub with the repository `org/name`: `config.json`, an empty file, and
    /// `sub/weights.safetensors`.
    init(_ rules: Rule..., page: Int = 1000, withRepository: Bool = true) throws {
        folder =
            FileManager.default.temporaryDirectory
            .appendingPathComponent("saeval-hub-\(UUID().uuidString)").path
        try makeFolder("\(folder)/root")
        let script = "\(parentFolder(of: parentFolder(of: #filePath)))/Fixtures/hub/stub.py"
        let output = Pipe()
        process.executableURL = URL(fileURLWithPath: try #require(python))
        process.arguments = [
            script, "\(folder)/root", "[\(rules.map(\.text).joined(separator: ", "))]",
            "\(folder)/log", "\(page)",
        ]
        process.standardInput = input
        process.standardOutput = output
        try process.run()
        let line = String(decoding: output.fileHandleForReading.availableData, as: UTF8.self)
        let port = try #require(line.split(separator: " ").first, "the stub did not start")
        endpoint = "http://127.0.0.1:\(port)"
        guard withRepository else { return }
        try serve(Self.small, as: "models/org/name/config.json")
        try serve([], as: "models/org/name/empty.txt")
        try serve(Self.large, as: "models/org/name/sub/weights.safetensors")
    }

    deinit {
        try? input.fileHandleForWriting.close()
        process.terminate()
        try? FileManager.default.removeItem(atPath: folder)
    }

    /// Adds a file to what is served.
    func serve(_ bytes: [UInt8], as path: String) throws {
        let place = "\(folder)/root/\(path)"
        try makeFolder(parentFolder(of: place))
        try Data(bytes).write(to: URL(fileURLWithPath: place))
    }

    /// A client with few attempts that does not really wait.
    func client(
        token: String? = nil, _ change: (inout HubLimits) -> Void = { _ in }
    ) throws -> HubClient {
        var limits = HubLimits()
        limits.slowSeconds = 5
        limits.sleep = { [heard] duration in heard.waits.withLock { $0.append(duration) } }
        change(&limits)
        return try HubClient(
            settings: HubSettings(endpoint: endpoint, token: token), limits: limits,
            note: { [heard] note in heard.notes.withLock { $0.append(note) } })
    }

    /// Downloads a whole repository and gives its listing.
    @discardableResult
    func fetch(
        _ id: String = "org/name", kind: HubCache.Kind = .model, patterns: [String] = ["/"],
        client: HubClient? = nil
    ) throws -> HubListing {
        let client = try client ?? self.client()
        let id = try HubID(id)
        let listing = try client.listing(of: id, kind: kind)
        let files = HubFiles(
            kind: kind, repository: id.repository, revision: id.revision, patterns: patterns)
        try HubDownloader(client: client, cache: cache, listing: listing)
            .fetch(try files.chosen(from: listing))
        return listing
    }

    /// The error of a download.
    func failure(_ id: String = "org/name", client: HubClient? = nil) throws -> HubError {
        try #require(throws: HubError.self) { try fetch(id, client: client) }
    }

    /// Checks that the cache holds the repository `org/name`, and nothing unfinished.
    func expectWhole() throws {
        let snapshot = try cache.snapshot(of: "org/name")
        #expect(try readFile("\(snapshot)/config.json") == Self.small)
        #expect(try readFile("\(snapshot)/sub/weights.safetensors") == Self.large)
        #expect(try readFile("\(snapshot)/empty.txt") == [])
        #expect(unfinished == [])
    }

    /// The names of unfinished files in the cache.
    var unfinished: [String] {
        (FileManager.default.enumerator(atPath: cache.folder)?.compactMap { $0 as? String } ?? [])
            .filter { $0.hasSuffix(".incomplete") || $0.hasSuffix(".partial") }
    }

    /// The blobs of `org/name`, finished or not.
    var blobs: [String] {
        (try? folderContents("\(cache.folder)/models--org--name/blobs")) ?? []
    }

    /// What was asked of the hub.
    func requests() throws -> [JSON] {
        try readFile("\(folder)/log").split(separator: 0x0A).map {
            try JSON(parsing: Array($0), source: "log")
        }
    }

    /// Requests for the large file.
    func largeRequests() throws -> [JSON] {
        try requests().filter { $0["path"]?.text?.contains("weights") == true }
    }
}

/// The bytes of the unfinished large file after some were received.
func incompletePath(_ stub: HubStub) throws -> String {
    let listing = try stub.client().listing(of: HubID("org/name"), kind: .model)
    let file = try #require(listing.file("sub/weights.safetensors"))
    return HubStore(cache: stub.cache, listing: listing).incomplete(of: file)
}
