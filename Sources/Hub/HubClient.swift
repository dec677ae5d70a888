import Basics
import Formats
import HTTP

/// Asks the hub what repositories hold, and gets small files into memory.
///
/// - Source: the hub's programming interface as `huggingface_hub` uses it: `/api/models/…/revision`
///   for the commit, `/api/models/…/tree` for the files.
public final class HubClient {
    /// Where the hub is and who asks.
    let settings: HubSettings
    /// Bounds of retries.
    let limits: HubLimits
    /// Hears of waits and what else the user may want to know.
    let note: (String) -> Void
    /// The connection.
    private let connection: HTTPConnection

    /// A client of an endpoint.
    ///
    /// - Throws: ``HubError`` when the environment forbids the network.
    public init(
        settings: HubSettings, limits: HubLimits = HubLimits(),
        note: @escaping (String) -> Void = { _ in }
    ) throws(HubError) {
        guard !settings.isOffline else {
            throw HubError(
                .offline, "\(settings.offlineVariable) is set, so nothing is downloaded",
                advice: "unset it, or the same command on a machine with a network")
        }
        (self.settings, self.limits, self.note) = (settings, limits, note)
        do {
            connection = try HTTPConnection(
                settings: HTTPSettings(
                    token: settings.token, certificateFile: settings.certificateFile,
                    // An endpoint with encryption never leads to a server without it.
                    requiresEncryption: settings.endpoint.hasPrefix("https://")),
                limits: limits.http)
        } catch { throw HubError(error) }
    }

    /// Gets an address at the endpoint.
    ///
    /// - Parameter offset: the first byte wanted.
    func get(_ address: String, from offset: Int = 0, into sink: any BodySink) throws(HubError)
        -> TransferEnd
    {
        do { return try connection.get(address, from: offset, into: sink) } catch {
            throw HubError(error)
        }
    }

    /// All files of a repository at a revision.
    ///
    /// - Throws: ``HubError`` when there is no answer, or one that names paths outside the
    ///   repository, lengths below zero, or files without a hash.
    public func listing(of id: HubID, kind: HubCache.Kind) throws(HubError) -> HubListing {
        let subject = HubRetries.Subject(id: id, kind: kind)
        let commit = try commit(of: id, subject)
        var listing = HubListing(kind: kind, id: id, commit: commit, files: [])
        var next: String? =
            "\(settings.endpoint)/api/\(kind.rawValue)s/\(id.repository)/tree/\(commit)"
            + "?recursive=true&expand=false"
        var seen: Set<String> = []
        while let address = next {
            guard seen.insert(address).inserted, seen.count <= limits.pages else {
                throw malformed(subject, "its pages lead in a circle")
            }
            let (json, answer) = try json(at: address, subject)
            guard let entries = json.elements else {
                throw malformed(subject, "the listing is no array")
            }
            for entry in entries where entry["type"]?.text != "directory" {
                listing.files.append(try file(entry, subject))
            }
            guard listing.files.count <= limits.files else {
                throw malformed(subject, "it lists more than \(limits.files) files")
            }
            next = nextPage(answer.headers["link"], kind: kind)
        }
        guard Set(listing.files.map(\.path)).count == listing.files.count else {
            throw malformed(subject, "it lists a file twice")
        }
        return listing
    }

    /// The bytes of a small file, checked.
    public func contents(of file: HubFile, in listing: HubListing) throws(HubError) -> [UInt8] {
        let subject = HubRetries.Subject(id: listing.id, kind: listing.kind, path: file.path)
        guard file.byteCount <= limits.pageBytes else {
            throw HubError(
                .malformed,
                "\(subject.name) has \(file.byteCount) bytes, "
                    + "the limit for such a file is \(limits.pageBytes)",
                advice: "check that this is the repository you mean")
        }
        var retries = HubRetries(limits: limits, settings: settings, note: note)
        var wrong = 0
        while true {
            let sink = MemorySink(limit: file.byteCount)
            let end = try get(address(of: file, in: listing), into: sink)
            guard try retries.accepts(end, of: subject) else { continue }
            let hash = try BlobHash(file.digest, byteCount: file.byteCount)
            try hash.update(sink.bytes)
            if try hash.isRight() { return sink.bytes }
            wrong += 1
            guard wrong < 2 else { throw Self.wrongBytes(subject) }
        }
    }

    /// The address of a file at the commit of its listing.
    func address(of file: HubFile, in listing: HubListing) -> String {
        let folder = listing.kind == .dataset ? "datasets/" : ""
        return "\(settings.endpoint)/\(folder)\(listing.id.repository)/resolve/\(listing.commit)/"
            + percentEncoded(file.path, keepingSlashes: true)
    }

    /// The error of a file that came twice with other bytes than promised.
    static func wrongBytes(_ subject: HubRetries.Subject) -> HubError {
        HubError(
            .wrongBytes, "\(subject.name) came twice with other bytes than its hash promises",
            advice: "the same command later; if it fails again, report it to the repository")
    }

    // MARK: - The programming interface

    /// The commit of a revision.
    private func commit(of id: HubID, _ subject: HubRetries.Subject) throws(HubError) -> String {
        if isHexadecimal(id.revision, digits: 40) { return id.revision }
        let revision = percentEncoded(id.revision, keepingSlashes: false)
        let address =
            "\(settings.endpoint)/api/\(subject.kind.rawValue)s/\(id.repository)/revision/\(revision)"
        let (json, _) = try json(at: address, subject)
        guard let commit = json["sha"]?.text, isHexadecimal(commit, digits: 40) else {
            throw malformed(subject, "it names no commit")
        }
        return commit
    }

    /// Gets and parses one answer.
    private func json(
        at address: String, _ subject: HubRetries.Subject
    ) throws(HubError) -> (JSON, Answer) {
        var retries = HubRetries(limits: limits, settings: settings, note: note)
        while true {
            let sink = MemorySink(limit: limits.pageBytes)
            let end = try get(address, into: sink)
            guard try retries.accepts(end, of: subject) else { continue }
            guard case .answered(let answer) = end else {
                throw malformed(subject, "an answer has more than \(limits.pageBytes) bytes")
            }
            do {
                return (try JSON(parsing: sink.bytes, source: address), answer)
            } catch {
                // An answer without a length that broke off looks like this.
                try retries.again(RetryPolicy.Cause("no valid JSON"), subject, code: .malformed)
            }
        }
    }

    /// One file of a listing.
    private func file(_ entry: JSON, _ subject: HubRetries.Subject) throws(HubError) -> HubFile {
        guard let path = entry["path"]?.text, HubID.isInnerPath(path) else {
            let name = (entry["path"] ?? .null).text()
            throw malformed(subject, "it lists \(name), which is no path in a repository")
        }
        let large = entry["lfs"].flatMap { $0.isNull ? nil : $0 }
        guard let size = (large?["size"] ?? entry["size"])?.integer, size >= 0 else {
            throw malformed(subject, "\(path) has no length")
        }
        let digest: HubDigest?
        if let large {
            let hex = (large["oid"] ?? large["sha256"])?.text ?? ""
            digest = isHexadecimal(hex, digits: 64) ? .sha256(hex) : nil
        } else {
            let hex = entry["oid"]?.text ?? ""
            digest = isHexadecimal(hex, digits: 40) ? .gitBlob(hex) : nil
        }
        guard let digest else { throw malformed(subject, "\(path) has no hash") }
        return HubFile(path: path, byteCount: size, digest: digest)
    }

    /// The address after `rel="next"`, kept at the endpoint.
    private func nextPage(_ header: String?, kind: HubCache.Kind) -> String? {
        for link in (header ?? "").split(separator: ",") where link.contains("rel=\"next\"") {
            guard let start = link.firstIndex(of: "<"), let end = link.firstIndex(of: ">"),
                start < end
            else { continue }
            let address = link[link.index(after: start)..<end]
            guard let path = address.firstRange(of: "/api/\(kind.rawValue)s/") else { continue }
            return settings.endpoint + address[path.lowerBound...]
        }
        return nil
    }

    /// The error of an answer that contradicts the protocol.
    private func malformed(_ subject: HubRetries.Subject, _ what: String) -> HubError {
        HubError(
            .malformed, "\(settings.endpoint) describes \(subject.name) wrongly: \(what)",
            advice: "check HF_ENDPOINT")
    }
}

/// Keeps a body in memory, up to a limit.
private final class MemorySink: BodySink {
    /// The bytes so far.
    private(set) var bytes: [UInt8] = []
    /// The most bytes.
    private let limit: Int

    /// Keeps nothing yet.
    init(limit: Int) { self.limit = limit }

    /// Forgets an earlier attempt.
    func begin(_ answer: Answer) -> Bool {
        bytes.removeAll(keepingCapacity: true)
        return answer.status == 200
    }

    /// Keeps bytes.
    func take(_ received: UnsafeRawBufferPointer) -> Bool {
        guard received.count <= limit - bytes.count else { return false }
        bytes.append(contentsOf: received)
        return true
    }
}

/// A text with all signs escaped that mean something in an address.
func percentEncoded(_ text: String, keepingSlashes: Bool) -> String {
    let digits = Array("0123456789ABCDEF")
    return text.utf8.map { byte in
        let sign = Character(Unicode.Scalar(byte))
        let isPlain =
            byte < 0x80 && (sign.isLetter || sign.isNumber || "-._~".contains(sign))
            || (keepingSlashes && sign == "/")
        return isPlain ? String(sign) : "%\(digits[Int(byte >> 4)])\(digits[Int(byte & 15)])"
    }.joined()
}
