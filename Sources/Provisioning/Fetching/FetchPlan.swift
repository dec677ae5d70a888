import Basics
import Formats
import Hub
import Plans

/// What a config needs from the hub, and what of it is missing.
public struct FetchPlan {
    /// A file and how much of it is to come.
    public struct Entry: Sendable {
        /// The file.
        public var file: HubFile
        /// Bytes that are to come; nil when the file is there.
        public var missingBytes: Int?
    }

    /// The files of one repository.
    public struct Repository: Sendable {
        /// What it is for, such as `model`.
        public var purposes: [String]
        /// All its files.
        public var listing: HubListing
        /// The files that are needed, in the order of the listing.
        public var entries: [Entry]
    }

    /// The repositories, in the order of the config.
    public private(set) var repositories: [Repository] = []
    /// Where files go.
    public let cache: HubCache
    /// Bytes of all files.
    public private(set) var totalBytes = 0
    /// Bytes that are to come.
    public private(set) var missingBytes = 0
    /// What is kept free besides.
    private static let spareBytes = 64 << 20

    /// Asks the hub.
    private let client: HubClient

    /// Asks the hub for everything that a config names; downloads nothing but indexes of shards.
    ///
    /// - Throws: an error that names the repository at fault.
    public init(_ configuration: RunConfiguration, client: HubClient) throws {
        (cache, self.client) = (configuration.hubCache, client)
        for need in try configuration.hubNeeds() { try add(need) }
        try count()
    }

    /// Files that are to be downloaded or linked.
    public var missingFiles: Int {
        repositories.reduce(0) { $0 + $1.entries.count { $0.missingBytes != nil } }
    }

    /// Adds what is needed of a repository to what is needed of it already.
    private mutating func add(_ need: HubNeed) throws {
        let known = repositories.firstIndex {
            $0.listing.id == need.id && $0.listing.kind == need.kind
        }
        let listing =
            try known.map { repositories[$0].listing }
            ?? client.listing(of: need.id, kind: need.kind)
        let files = try need.files(of: listing) { try client.contents(of: $0, in: listing) }
        let old = known.map { repositories[$0].entries.map(\.file) } ?? []
        let all = Set(files).union(old)
        let cache = cache
        let entries = listing.files.filter(all.contains).map { file in
            Entry(
                file: file,
                missingBytes: HubDownloader.missingBytes(of: file, in: listing, cache: cache))
        }
        if let known {
            repositories[known].entries = entries
            if !repositories[known].purposes.contains(need.purpose) {
                repositories[known].purposes.append(need.purpose)
            }
        } else {
            repositories.append(
                Repository(purposes: [need.purpose], listing: listing, entries: entries))
        }
    }

    /// Adds lengths up; equal files of one repository count once.
    private mutating func count() throws {
        for repository in repositories {
            var seen: Set<HubDigest> = []
            for entry in repository.entries where seen.insert(entry.file.digest).inserted {
                let total = totalBytes.addingReportingOverflow(entry.file.byteCount)
                guard !total.overflow else {
                    throw HubError(
                        .malformed,
                        "The files of `\(repository.listing.id.text)` have lengths beyond measure",
                        advice: "check HF_ENDPOINT")
                }
                totalBytes = total.partialValue
                missingBytes += entry.missingBytes ?? 0
            }
        }
    }

    /// Refuses a download for which there is no room.
    public func checkSpace() throws(HubError) {
        guard missingBytes > 0, let free = freeBytes(at: cache.folder) else { return }
        let (needed, overflow) = missingBytes.addingReportingOverflow(Self.spareBytes)
        guard overflow || needed > free else { return }
        throw HubError(
            .outOfSpace,
            "The files need \(byteText(missingBytes)) in \(cache.folder), "
                + "where \(byteText(free)) are free",
            advice: "make room, or set HF_HUB_CACHE to a folder on a larger disk")
    }

    /// Downloads what is missing.
    ///
    /// - Parameter progress: hears of bytes that came, below zero of those that were thrown away.
    /// - Throws: `HubError`; what was finished before stays, and the same call goes on from there.
    public func fetch(progress: @escaping (Int) -> Void) throws {
        for repository in repositories {
            let downloader = HubDownloader(
                client: client, cache: cache, listing: repository.listing)
            try downloader.fetch(repository.entries.map(\.file), progress: progress)
        }
    }
}
