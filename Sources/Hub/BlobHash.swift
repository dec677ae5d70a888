import Basics
import CCrypto

/// Computes the hash that the hub keeps a file under, as its bytes come in.
///
/// - Source: SHA-256 and SHA-1 of OpenSSL's libcrypto; git's header of a blob.
/// - Cost: one pass over the bytes.
final class BlobHash {
    /// libcrypto's state.
    private let context: OpaquePointer
    /// The promised hash.
    private let digest: HubDigest

    /// Begins the hash of a file of a known length.
    init(_ digest: HubDigest, byteCount: Int) throws(HubError) {
        guard let context = EVP_MD_CTX_new() else { throw Self.failure("EVP_MD_CTX_new") }
        (self.context, self.digest) = (context, digest)
        switch digest {
        case .sha256: try Self.check(EVP_DigestInit_ex(context, EVP_sha256(), nil), "EVP_sha256")
        case .gitBlob:
            try Self.check(EVP_DigestInit_ex(context, EVP_sha1(), nil), "EVP_sha1")
            try update(Array("blob \(byteCount)\0".utf8))
        }
    }

    deinit { EVP_MD_CTX_free(context) }

    /// Takes the next bytes.
    func update(_ bytes: UnsafeRawBufferPointer) throws(HubError) {
        try Self.check(
            EVP_DigestUpdate(context, bytes.baseAddress, bytes.count), "EVP_DigestUpdate")
    }

    /// Takes the next bytes.
    func update(_ bytes: [UInt8]) throws(HubError) {
        let status = bytes.withUnsafeBytes { EVP_DigestUpdate(context, $0.baseAddress, $0.count) }
        try Self.check(status, "EVP_DigestUpdate")
    }

    /// Ends the hash.
    ///
    /// - Returns: whether the bytes are the promised ones.
    func isRight() throws(HubError) -> Bool {
        var bytes = [UInt8](repeating: 0, count: Int(EVP_MAX_MD_SIZE))
        var count: UInt32 = 0
        try Self.check(EVP_DigestFinal_ex(context, &bytes, &count), "EVP_DigestFinal_ex")
        let digits = bytes.prefix(Int(count)).map { byte in
            (byte < 16 ? "0" : "") + String(byte, radix: 16)
        }
        return digits.joined() == digest.hex
    }

    /// Turns the status of a libcrypto call into an error that keeps the call's name.
    private static func check(_ status: Int32, _ call: StaticString) throws(HubError) {
        if status != 1 { throw failure(call) }
    }

    /// The error of a libcrypto call.
    private static func failure(_ call: StaticString) -> HubError {
        HubError(
            .wrongBytes, "\(call) of libcrypto failed, so downloads cannot be checked",
            advice: "check the installation of OpenSSL")
    }
}
