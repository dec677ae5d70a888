import Basics

// How an unpickler reads bytes, and its errors.

extension Unpickler {
    /// Throws for versions of the protocol that are not read.
    mutating func checkProtocol() throws(FormatError) {
        let version = try number(1)
        guard (2...5).contains(version) else {
            throw FormatError(
                .unsupported, "\(name) has pickle protocol \(version), not one of 2 to 5",
                advice: "save it with torch.save, which writes protocol 2")
        }
    }

    /// The next bytes.
    mutating func bytes(_ count: Int) throws(FormatError) -> UnsafeRawBufferPointer {
        guard let slice = reader.slice(at: position, count: count) else {
            throw truncated("\(count) bytes at byte \(position)")
        }
        position += count
        return slice
    }

    /// A little-endian number of one to eight bytes.
    mutating func number(_ count: Int) throws(FormatError) -> Int {
        var value: UInt64 = 0
        for (index, byte) in try bytes(count).enumerated() { value |= UInt64(byte) << (8 * index) }
        guard let number = Int(exactly: value) else { throw tooLarge("a length of \(value)") }
        return number
    }

    /// An integer of as many bytes as the next byte says.
    mutating func long() throws(FormatError) -> Int {
        let count = try number(1)
        guard count <= 8 else { throw tooLarge("an integer of \(count) bytes") }
        let digits = try bytes(count)
        var value: UInt64 = digits.last.map { $0 >= 0x80 ? UInt64.max : 0 } ?? 0
        for byte in digits.reversed() { value = value << 8 | UInt64(byte) }
        return Int(Int64(bitPattern: value))
    }

    /// A big-endian float of eight bytes.
    mutating func float() throws(FormatError) -> Double {
        let bits = try bytes(8).reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
        return Double(bitPattern: bits)
    }

    /// A text of some bytes.
    mutating func text(_ count: Int) throws(FormatError) -> String {
        guard let text = String(validating: try bytes(count), as: UTF8.self) else {
            throw fault("a text is not UTF-8")
        }
        return text
    }

    /// The text up to the end of the line.
    mutating func line() throws(FormatError) -> String {
        let most = 1_000
        let rest = reader.bytes[position...].prefix(most)
        guard let end = rest.firstIndex(of: 0x0A) else {
            throw fault("a name has no end within \(most) bytes")
        }
        let line = try text(end - position)
        position = end + 1
        return line
    }
}

// MARK: - Errors

extension Unpickler {
    /// The error for bytes that contradict the protocol.
    func fault(_ what: String) -> FormatError {
        FormatError(
            .malformed, "\(name): at byte \(start) \(what)",
            advice: "download or export the file again")
    }

    /// The error for something beyond a limit.
    func tooLarge(_ what: String) -> FormatError {
        FormatError(
            .tooLarge, "\(name) holds \(what) at byte \(start)",
            advice: "save the weights alone, with torch.save(state_dict, path)")
    }

    /// The error for bytes that are not there.
    func truncated(_ what: String) -> FormatError {
        FormatError(
            .truncated, "\(name) of \(reader.bytes.count) bytes does not hold \(what)",
            advice: "download or export the file again; it is incomplete")
    }

    /// The error for an operation outside the list.
    func unknownOperation(_ code: UInt8) -> FormatError {
        FormatError(
            .unsupported,
            "\(name): at byte \(start) it uses the operation \(PickleOperation.name(of: code)), "
                + "which is never done",
            advice: "save the weights alone, with torch.save(state_dict, path)")
    }
}
