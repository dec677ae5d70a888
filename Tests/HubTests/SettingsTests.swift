import Basics
import CCurl
import Formats
import Foundation
import HTTP
import Testing

@testable import Hub

@Suite("Settings of the hub")
struct SettingsTests {
    /// Settings of some variables.
    private func settings(_ variables: [String: String]) throws -> HubSettings {
        try HubSettings(environment: { variables[$0] })
    }

    @Test(
        "The endpoint is the environment's",
        arguments: [
            ([:], "https://huggingface.co"),
            (["HF_ENDPOINT": "http://127.0.0.1:80//"], "http://127.0.0.1:80"),
            (["HF_ENDPOINT": ""], "https://huggingface.co"),
        ])
    func endpoint(variables: [String: String], endpoint: String) throws {
        #expect(try settings(variables).endpoint == endpoint)
    }

    @Test(
        "An endpoint that is no address is refused",
        arguments: ["huggingface.co", "file:///etc", "https://a b", "https://a\nHost: b"])
    func wrongEndpoint(_ address: String) {
        let error = #expect(throws: HubError.self) { try settings(["HF_ENDPOINT": address]) }
        #expect(error?.code == .badSetting)
    }

    @Test("The token is a variable's or a file's")
    func token() throws {
        let folder = FileManager.default.temporaryDirectory
            .appendingPathComponent("saeval-token-\(UUID().uuidString)").path
        defer { try? FileManager.default.removeItem(atPath: folder) }
        try makeFolder("\(folder)/.cache/huggingface")
        try writeFile(Array("file\n".utf8), to: "\(folder)/.cache/huggingface/token")
        try writeFile(Array("other".utf8), to: "\(folder)/token")
        #expect(try settings(["HOME": folder]).token == "file")
        #expect(try settings(["HOME": folder, "HF_TOKEN": " given\n"]).token == "given")
        #expect(try settings(["HOME": folder, "HF_TOKEN": ""]).token == "file")
        #expect(try settings(["HOME": "/x", "HF_HOME": folder]).token == "other")
        #expect(try settings(["HOME": folder, "HF_TOKEN_PATH": "~/token"]).token == "other")
        #expect(try settings(["HOME": "\(folder)/none"]).token == nil)
        #expect(
            try settings(["HF_TOKEN": "a", "HF_HUB_DISABLE_IMPLICIT_TOKEN": "1"]).token == nil)
        let error = #expect(throws: HubError.self) { try settings(["HF_TOKEN": "a\u{1}b"]) }
        #expect(error?.code == .badSetting)
        #expect(error.map { !"\($0)".contains("a\u{1}b") } == true)
    }

    @Test("Servers are checked with the certificates of SSL_CERT_FILE", .enabled(if: python != nil))
    func certificates() throws {
        #expect(try settings([:]).certificateFile == nil)
        let hub = try HubStub()
        // Nobody speaks TLS there, but certificates are read before the first word.
        let address = hub.endpoint.replacing("http:", with: "https:")
        var given = try settings(["HF_ENDPOINT": address, "SSL_CERT_FILE": "/nowhere/a.pem"])
        let reason = {
            let connection = try HTTPConnection(
                settings: HTTPSettings(certificateFile: given.certificateFile), limits: HTTPLimits()
            )
            switch try connection.get(address, into: Nothing()) {
            case .broken(let code, _), .hopeless(let code, _): return code
            default: return CURLE_OK
            }
        }
        #expect(try reason() == CURLE_SSL_CACERT_BADFILE)
        given.certificateFile = nil
        #expect(try reason() == CURLE_SSL_CONNECT_ERROR)
    }

    /// Takes no bytes.
    private final class Nothing: BodySink {
        func begin(_ answer: Answer) -> Bool { false }
        func take(_ bytes: UnsafeRawBufferPointer) -> Bool { false }
    }

    @Test(
        "The network is forbidden as the Hugging Face tools read it",
        arguments: [
            ("1", true), ("true", true), ("Yes", true), ("ON", true), ("0", false), ("", false),
            ("no", false),
        ])
    func offline(value: String, isOffline: Bool) throws {
        #expect(try settings(["HF_HUB_OFFLINE": value]).isOffline == isOffline)
        #expect(try settings(["TRANSFORMERS_OFFLINE": value]).isOffline == isOffline)
    }

    @Test("Hashes are those of git and of SHA-256")
    func hashes() throws {
        for (digest, bytes) in [
            (HubDigest.gitBlob("e69de29bb2d1d6434b8b29ae775ad8c2e48c5391"), ""),
            (.gitBlob("ce013625030ba8dba906f756967f9e9ca394464a"), "hello\n"),
            (
                .sha256("ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"), "abc"
            ),
        ] {
            let hash = try BlobHash(digest, byteCount: bytes.utf8.count)
            try hash.update(Array(bytes.utf8))
            #expect(try hash.isRight())
            let other = try BlobHash(digest, byteCount: bytes.utf8.count)
            try other.update(Array((bytes + "x").utf8))
            #expect(try !other.isRight())
        }
    }
}
