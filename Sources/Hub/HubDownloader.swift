import Basics
import Formats
import HTTP

/// Brings files of a repository into the cache.
public struct HubDownloader {
    /// Asks the hub.
    private let client: HubClient
    /// Writes the cache.
    private let store: HubStore

    /// - Parameters:
    ///   - client: asks the hub.
    ///   - cache: where files go.
    ///   - listing: the repository's files.
    public init(client: HubClient, cache: HubCache, listing: HubListing) {
        self.client = client
        store = HubStore(cache: cache, listing: listing)
    }

    /// Bytes of a file that are still to come; 0 when it is there.
    public static func missingBytes(of file: HubFile, in listing: HubListing, cache: HubCache)
        -> Int?
    {
        let store = HubStore(cache: cache, listing: listing)
        return store.hasFile(file) ? nil : store.missingBytes(of: file)
    }

    /// Downloads what is not there yet and links it into the snapshot.
    ///
    /// A file under its final name is complete and has the promised hash. What a killed process
    /// left is continued. Only when all files are there does the branch point to the commit.
    ///
    /// - Parameters:
    ///   - files: some of the listing.
    ///   - progress: hears of bytes that came, below zero of those that were thrown away.
    /// - Throws: ``HubError``; files that were finished before stay.
    public func fetch(
        _ files: [HubFile], progress: @escaping (Int) -> Void = { _ in }
    ) throws(HubError) {
        for file in files where !store.hasFile(file) {
            try fetchBlob(file, progress: progress)
            try store.link(file)
        }
        try store.writeReference()
    }

    /// Downloads the bytes of one file unless they are there.
    private func fetchBlob(
        _ file: HubFile, progress: @escaping (Int) -> Void
    ) throws(HubError) {
        if store.hasBlob(file) { return }
        let lock = try BlobLock(path: store.lock(of: file), note: client.note)
        defer { withExtendedLifetime(lock) {} }
        if store.hasBlob(file) { return progress(file.byteCount) }
        let sink = try BlobSink(
            path: store.incomplete(of: file), file: file, progress: progress)
        let subject = HubRetries.Subject(
            id: store.listing.id, kind: store.listing.kind, path: file.path)
        var retries = HubRetries(
            limits: client.limits, settings: client.settings, note: client.note)
        var wrong = 0
        while true {
            if sink.position == file.byteCount {
                if try sink.hash.isRight() { return try sink.promote(to: store.blob(of: file)) }
                try discard(sink, &wrong, subject)
                continue
            }
            try transfer(file, into: sink, &retries, &wrong, subject)
        }
    }

    /// Makes one attempt to get the rest of a file.
    private func transfer(
        _ file: HubFile, into sink: BlobSink, _ retries: inout HubRetries, _ wrong: inout Int,
        _ subject: HubRetries.Subject
    ) throws(HubError) {
        let before = sink.position
        let end = try client.get(
            client.address(of: file, in: store.listing), from: before, into: sink)
        if let failure = sink.failure { throw failure }
        if sink.refusal != nil { return try discard(sink, &wrong, subject) }
        if sink.position - before >= client.limits.progressBytes { retries.refresh() }
        if sink.position == file.byteCount { return }
        if case .answered(let answer) = end, answer.status == 416, before > 0 {
            // What is there is no beginning of the file.
            try sink.restart()
            return try retries.again(
                RetryPolicy.Cause("its length is not the promised one"), subject, code: .wrongBytes)
        }
        guard try retries.accepts(end, of: subject) else { return }
        try retries.again(
            RetryPolicy.Cause(
                "the answer ended after \(sink.position) of \(file.byteCount) bytes"),
            subject, code: .unreachable)
    }

    /// Throws wrong bytes away; those of one whole download are fetched once more.
    private func discard(
        _ sink: BlobSink, _ wrong: inout Int, _ subject: HubRetries.Subject
    ) throws(HubError) {
        if sink.isOwn { wrong += 1 }
        try sink.restart()
        guard wrong < 2 else { throw HubClient.wrongBytes(subject) }
        client.note("\(subject.name) came with other bytes than promised; fetching it once more")
    }
}
