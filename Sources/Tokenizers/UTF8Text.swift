/// Text as valid UTF-8 bytes, read scalar by scalar.
typealias UTF8Text = ArraySlice<UInt8>

extension ArraySlice<UInt8> {
    /// The scalar that starts at an index and its length in bytes; the bytes must be valid UTF-8.
    func scalar(at index: Int) -> (scalar: Unicode.Scalar, length: Int) {
        let first = self[index]
        if first < 0x80 { return (Unicode.Scalar(first), 1) }
        let length = first < 0xE0 ? 2 : first < 0xF0 ? 3 : 4
        guard index + length <= endIndex else { return ("\u{FFFD}", endIndex - index) }
        var value = UInt32(first) & (0x7F >> UInt32(length))
        for next in (index + 1)..<(index + length) {
            value = value << 6 | UInt32(self[next] & 0x3F)
        }
        return (Unicode.Scalar(value) ?? "\u{FFFD}", length)
    }

    /// The scalar that ends before an index and where it starts.
    func scalar(before index: Int) -> (scalar: Unicode.Scalar, start: Int) {
        var start = index - 1
        while start > startIndex, self[start] & 0xC0 == 0x80 { start -= 1 }
        return (scalar(at: start).scalar, start)
    }

    /// The class of the scalar at an index and its length; nil at the end.
    func characterClass(at index: Int) -> (kind: CharacterClass, length: Int)? {
        guard index < endIndex else { return nil }
        let (scalar, length) = scalar(at: index)
        return (CharacterClass.of(scalar), length)
    }

    /// Where the first occurrence of some bytes starts, at or after an index.
    func firstRange(of pattern: [UInt8], from start: Int) -> Range<Int>? {
        guard let first = pattern.first, endIndex - start >= pattern.count else { return nil }
        var index = start
        while index <= endIndex - pattern.count {
            if self[index] == first, self[index..<(index + pattern.count)].elementsEqual(pattern) {
                return index..<(index + pattern.count)
            }
            index += 1
        }
        return nil
    }

    /// The bytes with every occurrence of a pattern replaced.
    func replacing(_ pattern: [UInt8], with content: [UInt8]) -> UTF8Text {
        guard var match = firstRange(of: pattern, from: startIndex) else { return self }
        var result: [UInt8] = []
        result.reserveCapacity(count)
        var position = startIndex
        while true {
            result += self[position..<match.lowerBound]
            result += content
            position = match.upperBound
            guard let next = firstRange(of: pattern, from: position) else { break }
            match = next
        }
        result += self[position...]
        return result[...]
    }
}
