import Synchronization

/// The ids of words that were met before, shared by all threads and bounded in size.
///
/// - Cost: each word has one slot that the next word of the same hash takes over; memory is at
///   most `shards · slots` short words.
final class WordCache: Sendable {
    /// One part of the cache under a lock of its own.
    private final class Shard: Sendable {
        /// The slots.
        let entries = Mutex([Entry?](repeating: nil, count: WordCache.slotCount))
    }

    /// A word and its ids.
    private struct Entry {
        /// The bytes of the word.
        var word: [UInt8]
        /// Its ids.
        var ids: [Int32]
    }

    /// The longest word that is kept.
    static let longestWord = 128
    /// The number of locks.
    private static let shardCount = 16
    /// The slots under each lock.
    private static let slotCount = 2048
    /// The parts.
    private let shards: [Shard] = (0..<WordCache.shardCount).map { _ in Shard() }

    /// Appends the ids of a word when they are known.
    func append(_ word: UTF8Text, to ids: inout [Int32]) -> Bool {
        let hash = Self.hash(word)
        let known = shards[hash % Self.shardCount].entries.withLock { entries -> [Int32]? in
            guard let entry = entries[hash / Self.shardCount % Self.slotCount],
                entry.word.elementsEqual(word)
            else { return nil }
            return entry.ids
        }
        guard let known else { return false }
        ids += known
        return true
    }

    /// Keeps the ids of a word.
    func keep(_ word: UTF8Text, ids: ArraySlice<Int32>) {
        let hash = Self.hash(word)
        let entry = Entry(word: Array(word), ids: Array(ids))
        shards[hash % Self.shardCount].entries.withLock {
            $0[hash / Self.shardCount % Self.slotCount] = entry
        }
    }

    /// A number that spreads words over the slots.
    private static func hash(_ word: UTF8Text) -> Int {
        var hash: UInt64 = 0xCBF2_9CE4_8422_2325
        for byte in word { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01B3 }
        return Int(truncatingIfNeeded: (hash ^ (hash >> 29)) & 0x7FFF_FFFF)
    }
}
