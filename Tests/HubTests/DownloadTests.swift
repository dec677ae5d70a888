import Basics
import Formats
import Foundation
import Testing

@testable import Hub

@Suite("Downloads", .enabled(if: python != nil, "python3 is not installed"))
struct DownloadTests {
    @Test("A repository lands in the layout of the Hugging Face tools")
    func layout() throws {
        let stub = try HubStub()
        let listing = try stub.fetch()
        try stub.expectWhole()
        let place = "\(stub.cache.folder)/models--org--name"
        #expect(try readFile("\(place)/refs/main") == Array(listing.commit.utf8))
        let snapshot = "\(place)/snapshots/\(listing.commit)"
        let sha = "blobs/\(try #require(listing.file("sub/weights.safetensors")).digest.hex)"
        #expect(sha.count == 6 + 64)
        let link = try FileManager.default.destinationOfSymbolicLink(
            atPath: "\(snapshot)/sub/weights.safetensors")
        #expect(link == "../../../\(sha)")
        let git = "blobs/\(try #require(listing.file("config.json")).digest.hex)"
        #expect(git.count == 6 + 40)
        let other = try FileManager.default.destinationOfSymbolicLink(
            atPath: "\(snapshot)/config.json")
        #expect(other == "../../\(git)")
        #expect(stub.blobs.contains("e69de29bb2d1d6434b8b29ae775ad8c2e48c5391"))
    }

    @Test("A second fetch asks for no file again")
    func again() throws {
        let stub = try HubStub()
        try stub.fetch()
        let before = try stub.largeRequests().count
        try stub.fetch()
        #expect(try stub.largeRequests().count == before)
        #expect(before == 1)
    }

    @Test("A dataset lands in a folder of its own")
    func dataset() throws {
        let stub = try HubStub()
        try stub.serve([1, 2], as: "datasets/org/d/a/b.jsonl")
        try stub.fetch("org/d", kind: .dataset)
        let path = try HubPath("hf://datasets/org/d/a/b.jsonl")
        #expect(try readFile(stub.cache.file(path)) == [1, 2])
    }

    @Test("Revisions are branches, tags and commits; each has its own snapshot")
    func revisions() throws {
        let stub = try HubStub()
        try stub.serve([7], as: "models/org/name@v2/config.json")
        try stub.serve([8], as: "models/org/name@refs%2Fpr%2F1/config.json")
        let main = try stub.fetch()
        let tag = try stub.fetch("org/name@v2")
        let branch = try stub.fetch("org/name@refs/pr/1")
        #expect(Set([main.commit, tag.commit, branch.commit]).count == 3)
        for (id, bytes) in [("org/name@v2", [7]), ("org/name@refs/pr/1", [8])]
            as [(String, [UInt8])]
        {
            #expect(try readFile("\(stub.cache.snapshot(of: id))/config.json") == bytes)
        }
        try stub.expectWhole()
        let other = try HubStub()
        let commit = try other.fetch("org/name@\(main.commit)")
        #expect(commit.commit == main.commit)
        #expect(!folderExists("\(other.cache.folder)/models--org--name/refs"))
        #expect(
            try other.requests().allSatisfy { $0["path"]?.text?.contains("/revision/") == false })
    }

    @Test("Patterns choose files and folders, and one that fits nothing is an error")
    func patterns() throws {
        let stub = try HubStub()
        try stub.fetch(patterns: ["config.json"])
        #expect(stub.blobs.count == 1)
        try stub.fetch(patterns: ["sub/"])
        #expect(stub.blobs.count == 2)
        let error = #expect(throws: HubError.self) { try stub.fetch(patterns: ["sup/"]) }
        #expect(error?.code == .notFound)
        #expect(error?.message.contains("sup/") == true)
    }

    @Test("A listing in pages is whole", arguments: [1, 2, 3])
    func pages(size: Int) throws {
        let stub = try HubStub(page: size)
        #expect(try stub.fetch().files.count == 3)
        try stub.expectWhole()
    }

    @Test("Names with spaces, signs and other scripts are fetched")
    func names() throws {
        let stub = try HubStub()
        for name in ["a b#c?d%e.json", "é/ü&=+.json"] {
            try stub.serve(Array(name.utf8), as: "models/org/name/\(name)")
        }
        let listing = try stub.fetch()
        let snapshot = try stub.cache.snapshot(of: "org/name")
        for file in listing.files
        where file.path.hasSuffix("d%e.json") || file.path.hasSuffix("+.json") {
            #expect(try readFile("\(snapshot)/\(file.path)") == Array(file.path.utf8))
        }
        #expect(listing.files.count == 5)
    }

    @Test("Three at once fetch a file once")
    func threeAtOnce() async throws {
        let stub = try HubStub(Rule("weights", "\"delay\": 0.3"))
        let (endpoint, folder) = (stub.endpoint, stub.cache.folder)
        try await withThrowingTaskGroup(of: Void.self) { group in
            for _ in 0..<3 {
                group.addTask {
                    let client = try HubClient(settings: HubSettings(endpoint: endpoint))
                    let listing = try client.listing(of: HubID("org/name"), kind: .model)
                    try HubDownloader(
                        client: client, cache: HubCache(folder: folder), listing: listing
                    ).fetch(listing.files)
                }
            }
            try await group.waitForAll()
        }
        #expect(try stub.largeRequests().count == 1)
        try stub.expectWhole()
    }

    @Test("What a killed process left is continued by a range")
    func resume() throws {
        let stub = try HubStub()
        let path = try incompletePath(stub)
        try makeFolder(parentFolder(of: path))
        try writeFile(Array(HubStub.large.prefix(100_000)), to: path)
        try stub.fetch()
        try stub.expectWhole()
        #expect(try stub.largeRequests().map { $0["range"]?.text } == ["bytes=100000-"])
    }

    @Test(
        "What a killed process left and does not fit is thrown away",
        arguments: [99, 300_000, 300_001])
    func wrongRest(count: Int) throws {
        let stub = try HubStub()
        let path = try incompletePath(stub)
        try makeFolder(parentFolder(of: path))
        try writeFile([UInt8](repeating: 7, count: count), to: path)
        try stub.fetch()
        try stub.expectWhole()
    }

    @Test("A blob of the wrong length under a final name is fetched again")
    func damagedBlob() throws {
        let stub = try HubStub()
        let blob = try String(incompletePath(stub).dropLast(".incomplete".count))
        try makeFolder(parentFolder(of: blob))
        try writeFile([1, 2, 3], to: blob)
        try stub.fetch()
        try stub.expectWhole()
    }

    @Test("Progress adds up to the bytes that were missing")
    func progress() throws {
        let stub = try HubStub(Rule("weights", times: 1, "\"cut\": 1000"))
        let client = try stub.client()
        let listing = try client.listing(of: HubID("org/name"), kind: .model)
        var sum = 0
        try HubDownloader(client: client, cache: stub.cache, listing: listing)
            .fetch(listing.files) { sum += $0 }
        #expect(sum == HubStub.large.count + HubStub.small.count)
        for file in listing.files {
            #expect(HubDownloader.missingBytes(of: file, in: listing, cache: stub.cache) == nil)
        }
    }

    @Test("A cache that cannot be written is an error that names the variable")
    func unwritable() throws {
        let stub = try HubStub()
        try writeFile([1], to: "\(stub.folder)/cache")
        let error = try stub.failure()
        #expect(error.code == .unwritable)
        #expect(error.advice?.contains("HF_HUB_CACHE") == true)
    }
}
