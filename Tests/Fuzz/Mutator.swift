/// A generator of numbers, the same everywhere for the same seed.
struct FuzzRandom: RandomNumberGenerator {
    /// The state of SplitMix64.
    private var state: UInt64

    /// A generator of one input.
    init(seed: UInt64, index: UInt64) {
        state = seed &* 0x9E37_79B9_7F4A_7C15 ^ (index &+ 1) &* 0xD1B5_4A32_D192_ED03
    }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var value = state
        value = (value ^ value >> 30) &* 0xBF58_476D_1CE4_E5B9
        value = (value ^ value >> 27) &* 0x94D0_49BB_1331_11EB
        return value ^ value >> 31
    }

    /// A number below a bound, which must be above 0.
    mutating func below(_ bound: Int) -> Int { Int(next() % UInt64(max(bound, 1))) }
}

/// Changes bytes in ways that parsers do not expect.
struct Mutator {
    /// Where chance comes from.
    var random: FuzzRandom
    /// Pieces that mean something in the format.
    let words: [[UInt8]]
    /// Other inputs, to be spliced in.
    let others: [[UInt8]]

    /// Numbers at which programs go wrong.
    private static let numbers: [UInt64] = [
        0, 1, 2, 3, 4, 7, 8, 16, 64, 127, 128, 255, 256, 1000, 32_767, 65_535, 65_536, 1 << 24,
        1 << 31 - 1, 1 << 31, 1 << 32 - 2, 1 << 32 - 1, 1 << 32, 1 << 60, 1 << 62, 1 << 63 - 1,
        1 << 63, .max - 1, .max,
    ]
    /// No input grows beyond this.
    private static let longest = 1 << 17

    /// A changed copy, after one to eight changes.
    mutating func changed(_ bytes: [UInt8]) -> [UInt8] {
        var bytes = bytes
        for _ in 0...(random.below(2) == 0 ? 0 : random.below(8)) { change(&bytes) }
        return Array(bytes.prefix(Self.longest))
    }

    /// Makes one change.
    private mutating func change(_ bytes: inout [UInt8]) {
        let place = random.below(bytes.count + 1)
        let range =
            place..<min(bytes.count, place + 1 + random.below(random.below(4) == 0 ? 64 : 8))
        switch random.below(12) {
        case 0 where place < bytes.count: bytes[place] ^= 1 << UInt8(random.below(8))
        case 1 where place < bytes.count: bytes[place] = UInt8(random.below(256))
        case 2: overwrite(&bytes, at: place, with: number())
        case 3: bytes.insert(contentsOf: number(), at: place)
        case 4: bytes.removeSubrange(range)
        case 5: bytes.insert(contentsOf: Array(bytes[range]), at: random.below(bytes.count + 1))
        case 6: overwrite(&bytes, at: random.below(bytes.count + 1), with: Array(bytes[range]))
        case 7 where random.below(4) == 0: bytes.removeSubrange(place...)
        case 8 where !others.isEmpty:
            let other = others[random.below(others.count)]
            let from = random.below(other.count + 1)
            let piece = other[from..<min(other.count, from + random.below(200))]
            bytes.replaceSubrange(random.below(2) == 0 ? range : place..<place, with: piece)
        case 9: changeDigits(&bytes, from: place)
        case 10:
            let piece = Array(bytes[range])
            for _ in 0..<random.below(random.below(8) == 0 ? 2000 : 10) {
                bytes.insert(contentsOf: piece, at: place)
                if bytes.count > Self.longest { break }
            }
        default:
            guard !words.isEmpty else { return }
            let word = words[random.below(words.count)]
            bytes.replaceSubrange(random.below(2) == 0 ? range : place..<place, with: word)
        }
    }

    /// A number at which programs go wrong, in one to eight bytes of either order or in digits.
    private mutating func number() -> [UInt8] {
        let number = Self.numbers[random.below(Self.numbers.count)]
        if random.below(3) == 0 { return Array("\(Int64(bitPattern: number))".utf8) }
        let count = 1 << random.below(4)
        let bytes = (0..<count).map { UInt8(truncatingIfNeeded: number >> UInt64(8 * $0)) }
        return random.below(8) == 0 ? bytes.reversed() : bytes
    }

    /// Writes bytes over others.
    private func overwrite(_ bytes: inout [UInt8], at place: Int, with piece: [UInt8]) {
        for (index, byte) in piece.enumerated() where place + index < bytes.count {
            bytes[place + index] = byte
        }
    }

    /// Replaces the next number that is written in digits.
    private mutating func changeDigits(_ bytes: inout [UInt8], from place: Int) {
        let digits = UInt8(ascii: "0")...UInt8(ascii: "9")
        guard let start = bytes[place...].firstIndex(where: digits.contains) else { return }
        let end = bytes[start...].firstIndex { !digits.contains($0) } ?? bytes.count
        let number = Self.numbers[random.below(Self.numbers.count)]
        let sign = random.below(4) == 0 ? "-" : ""
        bytes.replaceSubrange(start..<end, with: Array("\(sign)\(number)".utf8))
    }
}
