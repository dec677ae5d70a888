/// Finds the longest of many byte strings that starts at an offset of a text.
struct ByteTrie: Sendable {
    /// The node behind a node and a byte.
    private var children: [UInt64: Int32] = [:]
    /// The value of the string that ends at a node; negative for none.
    private var ends: [Int32] = [-1]
    /// Whether a string starts with a byte.
    private var starts = [Bool](repeating: false, count: 256)

    /// Whether there is nothing to find.
    var isEmpty: Bool { ends.count == 1 }

    /// Adds a string with its value; the first value of equal strings stays. Empty strings are
    /// ignored.
    mutating func insert(_ string: some Collection<UInt8>, value: Int32) {
        guard let first = string.first else { return }
        starts[Int(first)] = true
        var node: Int32 = 0
        for byte in string {
            let key = UInt64(UInt32(bitPattern: node)) << 8 | UInt64(byte)
            if let next = children[key] {
                node = next
            } else {
                let next = Int32(ends.count)
                children[key] = next
                ends.append(-1)
                node = next
            }
        }
        if ends[Int(node)] < 0 { ends[Int(node)] = value }
    }

    /// The longest string that starts at an index.
    func longestMatch(in text: UTF8Text, at start: Int) -> (end: Int, value: Int32)? {
        guard starts[Int(text[start])] else { return nil }
        var node: Int32 = 0
        var best: (end: Int, value: Int32)?
        var index = start
        while index < text.endIndex,
            let next = children[UInt64(UInt32(bitPattern: node)) << 8 | UInt64(text[index])]
        {
            node = next
            index += 1
            if ends[Int(node)] >= 0 { best = (index, ends[Int(node)]) }
        }
        return best
    }
}
