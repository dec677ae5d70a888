import Basics
import Formats
import Testing

@testable import Hub

@Suite("Access to a hub", .enabled(if: python != nil, "python3 is not installed"))
struct AccessTests {
    @Test("The token goes to the endpoint and to no other host")
    func tokenStaysHome() throws {
        let stub = try HubStub(Rule("weights", times: 1, "\"redirect\": \"other\""))
        try stub.fetch(client: stub.client(token: "secret"))
        try stub.expectWhole()
        let requests = try stub.requests()
        let other = requests.filter { $0["port"]?.integer == 1 }
        #expect(other.count == 1)
        #expect(other.allSatisfy { $0["authorization"]?.isNull == true })
        let own = requests.filter { $0["port"]?.integer == 0 }
        #expect(own.count >= 4)
        #expect(own.allSatisfy { $0["authorization"]?.text == "Bearer secret" })
    }

    @Test("A relative redirect is followed with the token")
    func relative() throws {
        let stub = try HubStub(Rule("^/org/.*weights", "\"redirect\": \"relative\""))
        try stub.fetch(client: stub.client(token: "secret"))
        try stub.expectWhole()
        #expect(
            try stub.largeRequests().map { $0["authorization"]?.text } == [
                "Bearer secret", "Bearer secret",
            ])
    }

    @Test("A broken download from another host goes on there by a range")
    func resumeElsewhere() throws {
        let stub = try HubStub(
            Rule("weights", times: 1, "\"redirect\": \"other\""),
            Rule("weights", times: 1, "\"cut\": 1000"),
            Rule("weights", times: 1, "\"redirect\": \"other\""))
        try stub.fetch(client: stub.client(token: "secret"))
        try stub.expectWhole()
        let other = try stub.largeRequests().filter { $0["port"]?.integer == 1 }
        #expect(other.map { $0["range"]?.text } == [nil, "bytes=1000-"])
        #expect(other.allSatisfy { $0["authorization"]?.isNull == true })
    }

    @Test("Redirects in a circle are an error")
    func loop() throws {
        let stub = try HubStub(Rule("weights", "\"redirect\": \"loop\""))
        let error = try stub.failure()
        #expect(error.code == .unreachable)
        #expect(try stub.largeRequests().count == 6)
    }

    @Test("Without a token none is sent")
    func noToken() throws {
        let stub = try HubStub()
        try stub.fetch()
        #expect(try stub.requests().allSatisfy { $0["authorization"]?.isNull == true })
    }

    @Test(
        "A gated repository is an error that names the page and the variable",
        arguments: [
            (401, "GatedRepo", "is gated"), (403, "GatedRepo", "is gated"), (403, "", "is gated"),
            (401, "RepoNotFound", "does not exist, or is private or gated"),
            (401, "", "does not exist, or is private or gated"),
        ])
    func gated(status: Int, code: String, sentence: String) throws {
        let stub = try HubStub(
            Rule(
                "weights",
                "\"status\": \(status), \"headers\": {\"X-Error-Code\": \"\(code)\", \"X-Error-Message\": \"ask first\"}"
            ))
        let error = try stub.failure()
        #expect(error.code == .forbidden)
        #expect(error.message.contains("`org/name` \(sentence)"))
        #expect(error.message.contains("(ask first)"))
        #expect(error.advice?.contains("\(stub.endpoint)/org/name") == true)
        #expect(error.advice?.contains("HF_TOKEN") == true)
        #expect(try stub.largeRequests().count == 1)
    }

    @Test("What is not there is an error that names it")
    func notFound() throws {
        let stub = try HubStub(Rule("weights", "\"status\": 404"))
        #expect(try stub.failure("org/other").code == .forbidden)
        let revision = try stub.failure("org/name@v9")
        #expect(revision.code == .notFound)
        #expect(revision.message.contains("no revision `v9`"))
        let file = try stub.failure()
        #expect(file.code == .notFound)
        #expect(file.message.contains("sub/weights.safetensors of `org/name`"))
    }

    @Test("Any other refusal is an error with its status")
    func otherStatus() throws {
        let stub = try HubStub(Rule("weights", "\"status\": 418"))
        let error = try stub.failure()
        #expect(error.code == .refused)
        #expect(error.message.contains("status 418"))
    }

    static let hostilePaths = [
        "../x", "/etc/passwd", "a/../../x", "a//b", "", ".", "a/..", "a\\\\b", "a\\u0000b", "a\\nb",
        String(repeating: "a", count: 300),
    ]

    @Test("A path that leads out of the repository is refused", arguments: hostilePaths)
    func traversal(path: String) throws {
        let hash = String(repeating: "a", count: 40)
        let stub = try HubStub(
            Rule(
                "/tree/",
                "\"entries\": [{\"type\": \"file\", \"path\": \"\(path)\", \"size\": 1, \"oid\": \"\(hash)\"}]"
            ))
        #expect(try stub.failure().code == .malformed)
        #expect(!folderExists(stub.cache.folder))
    }

    @Test(
        "A listing that makes no sense is refused",
        arguments: [
            "{\"type\": \"file\", \"path\": \"a\", \"oid\": \"\(String(repeating: "a", count: 40))\"}",
            "{\"type\": \"file\", \"path\": \"a\", \"size\": -1, \"oid\": \"\(String(repeating: "a", count: 40))\"}",
            "{\"type\": \"file\", \"path\": \"a\", \"size\": 1e300, \"oid\": \"\(String(repeating: "a", count: 40))\"}",
            "{\"type\": \"file\", \"path\": \"a\", \"size\": 1, \"oid\": \"../../../../x\"}",
            "{\"type\": \"file\", \"path\": \"a\", \"size\": 1}",
            "{\"type\": \"file\", \"path\": \"a\", \"size\": 1, \"lfs\": {\"size\": 1, \"oid\": \"ab\"}}",
            "{\"type\": \"file\", \"size\": 1, \"oid\": \"\(String(repeating: "a", count: 40))\"}",
            "7",
        ])
    func nonsense(entry: String) throws {
        let stub = try HubStub(Rule("/tree/", "\"entries\": [\(entry)]"))
        #expect(try stub.failure().code == .malformed)
    }

    @Test(
        "An answer that is no JSON, has no commit or is too long is refused",
        arguments: ["<html>", "{}", "{\\\"sha\\\": \\\"../../x\\\"}", "{\\\"sha\\\": 7}", "[]"])
    func wrongRevision(text: String) throws {
        let stub = try HubStub(Rule("/revision/", "\"text\": \"\(text)\""))
        #expect(try stub.failure().code == .malformed)
        let long = try HubStub()
        #expect(try long.failure(client: long.client { $0.pageBytes = 50 }).code == .malformed)
    }

    @Test("Pages without end and too many files are refused")
    func endless() throws {
        let stub = try HubStub(page: 1)
        #expect(try stub.failure(client: stub.client { $0.pages = 2 }).code == .malformed)
        #expect(try stub.failure(client: stub.client { $0.files = 2 }).code == .malformed)
    }

    @Test("The environment forbids the network")
    func offline() throws {
        for name in ["HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE"] {
            let settings = try HubSettings(environment: { $0 == name ? "1" : nil })
            let error = #expect(throws: HubError.self) { try HubClient(settings: settings) }
            #expect(error?.code == .offline)
            #expect(error?.message.contains(name) == true)
        }
    }
}
