import Basics
import Formats
import Glibc

/// What the environment says about the hub.
public struct HubSettings: Sendable {
    /// The address of the hub without `/` at the end.
    public var endpoint: String
    /// Proves who asks; sent to the endpoint alone.
    public var token: String?
    /// Whether the network must not be used.
    public var isOffline: Bool
    /// The variable that forbids the network, for messages.
    public var offlineVariable: String

    /// The file of certificates that servers are checked with; nil takes libcurl's own.
    public var certificateFile: String?

    /// Settings of choice.
    public init(endpoint: String, token: String? = nil) {
        (self.endpoint, self.token) = (endpoint, token)
        (isOffline, offlineVariable) = (false, "HF_HUB_OFFLINE")
    }

    /// Reads `HF_ENDPOINT`, `HF_TOKEN`, `HF_TOKEN_PATH`, `HF_HOME`, `HF_HUB_OFFLINE` and `SSL_CERT_FILE`,
    /// as `huggingface_hub` does.
    ///
    /// - Throws: ``HubError`` for an address or a token that cannot be sent.
    public init(
        environment: (String) -> String? = { name in getenv(name).map { String(cString: $0) } }
    ) throws(HubError) {
        func value(_ name: String) -> String? {
            environment(name).flatMap { $0.isEmpty ? nil : $0 }
        }
        var address = value("HF_ENDPOINT") ?? "https://huggingface.co"
        while address.hasSuffix("/") { address.removeLast() }
        let isClean = address.utf8.allSatisfy { (0x21...0x7E).contains($0) }
        guard isClean, address.hasPrefix("https://") || address.hasPrefix("http://") else {
            throw HubError(
                .badSetting, "HF_ENDPOINT holds `\(address)`, which is no address",
                advice: "set it to one such as https://huggingface.co, or unset it")
        }
        endpoint = address
        token = try Self.token(value)
        certificateFile = value("SSL_CERT_FILE")
        offlineVariable =
            Self.isTrue(value("HF_HUB_OFFLINE")) ? "HF_HUB_OFFLINE" : "TRANSFORMERS_OFFLINE"
        isOffline = Self.isTrue(value("HF_HUB_OFFLINE") ?? value("TRANSFORMERS_OFFLINE"))
    }

    /// The token of a variable or of the file that `hf auth login` writes.
    private static func token(_ value: (String) -> String?) throws(HubError) -> String? {
        if isTrue(value("HF_HUB_DISABLE_IMPLICIT_TOKEN")) { return nil }
        var source = "HF_TOKEN"
        var text = value("HF_TOKEN") ?? value("HUGGING_FACE_HUB_TOKEN")
        if text == nil {
            source = path(of: "HF_TOKEN_PATH", value) ?? "\(home(value))/token"
            if fileExists(source), let bytes = try? readFile(source), bytes.count <= 65_536 {
                text = String(decoding: bytes, as: UTF8.self)
            }
        }
        let token = (text ?? "").filter { !$0.isWhitespace }
        guard token.utf8.allSatisfy({ (0x21...0x7E).contains($0) }), token.utf8.count <= 4096 else {
            throw HubError(
                .badSetting, "The token of \(source) has signs that no token has",
                advice: "copy it again from the settings of your account")
        }
        return token.isEmpty ? nil : token
    }

    /// The folder of the Hugging Face tools.
    private static func home(_ value: (String) -> String?) -> String {
        path(of: "HF_HOME", value)
            ?? "\(path(of: "XDG_CACHE_HOME", value) ?? "\(value("HOME") ?? "")/.cache")/huggingface"
    }

    /// A variable that holds a path, with `~` written out.
    private static func path(of name: String, _ value: (String) -> String?) -> String? {
        guard let text = value(name) else { return nil }
        guard text == "~" || text.hasPrefix("~/") else { return text }
        return (value("HOME") ?? "") + text.dropFirst()
    }

    /// Whether a variable switches something on.
    private static func isTrue(_ text: String?) -> Bool {
        ["1", "ON", "YES", "TRUE"].contains(text?.uppercased() ?? "")
    }
}
