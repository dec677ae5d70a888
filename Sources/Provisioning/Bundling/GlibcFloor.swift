import Basics

/// The oldest glibc on which files start.
struct GlibcFloor: Equatable {
    /// Such as `2.36`.
    package var version: String
    /// The first file that asks for it.
    var file: String

    /// Reads what some files ask of glibc, by `readelf`.
    ///
    /// - Returns: nil where there is no `readelf`, or nothing is asked for.
    static func floor(of files: [String]) -> GlibcFloor? {
        guard let program = ChildProgram(named: "readelf"),
            let ending = try? program.run(["--version-info", "--wide"] + files, input: "")
        else { return nil }
        let text = String(decoding: ending.output, as: UTF8.self)
        return floor(in: text, file: files.count == 1 ? files[0] : "")
    }

    /// Reads lines such as `  0x0010:   Name: GLIBC_2.34  Flags: none  Version: 4` below `File: PATH`.
    static func floor(in text: String, file: String = "") -> GlibcFloor? {
        var file = file
        var highest: (numbers: [Int], floor: GlibcFloor)?
        for line in text.split(separator: "\n") {
            if line.hasPrefix("File: ") { file = String(line.dropFirst(6)) }
            guard let name = line.firstRange(of: "Name: GLIBC_") else { continue }
            let word = line[name.upperBound...].prefix { $0 != " " }
            // Relocations packed as DT_RELR came with 2.36.
            let version = word == "ABI_DT_RELR" ? "2.36" : String(word)
            let numbers = version.split(separator: ".").compactMap { Int($0) }
            guard numbers.count >= 2 else { continue }
            if highest.map({ $0.numbers.lexicographicallyPrecedes(numbers) }) ?? true {
                highest = (numbers, GlibcFloor(version: version, file: lastComponent(of: file)))
            }
        }
        return highest?.floor
    }
}
