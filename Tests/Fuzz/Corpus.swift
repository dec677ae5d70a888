import Basics

/// The valid inputs of a format that are changed, and the words of its language.
struct Corpus {
    /// Whole files.
    var files: [[UInt8]] = []
    /// Parts of files that are changed alone and wrapped into a file again.
    var parts: [[UInt8]] = []
    /// Makes a file of a changed part, given the place of what it was.
    var wrapped: ([UInt8], Int) -> [UInt8] = { part, _ in part }
    /// Pieces that mean something.
    var words: [[UInt8]] = []

    /// The folder of the tests' fixtures.
    private static let fixtures = "\(parentFolder(of: parentFolder(of: #filePath)))/Fixtures"

    /// The corpus of a format.
    init(_ format: Format) throws {
        switch format {
        case .safetensors: try addSafetensors()
        case .npz: try addArrays()
        case .pt: try addPickles()
        case .json: addJSON()
        case .tokenizer: try addTokenizers()
        case .yaml: try addYAML()
        case .jsonl, .csv: addTables(isCSV: format == .csv)
        case .zst: try addCompressed()
        case .faulty: files = [Array("a text of some length, which is cut".utf8)]
        }
    }

    /// An input: a changed file, or a file around a changed part.
    func input(_ random: FuzzRandom) -> [UInt8] {
        var mutator = Mutator(random: random, words: words, others: parts + files.prefix(8))
        let takesPart = !parts.isEmpty && mutator.random.below(4) > 0
        let seeds = takesPart ? parts : files
        let place = mutator.random.below(seeds.count)
        let changed = mutator.changed(seeds[place])
        return takesPart ? wrapped(changed, place) : changed
    }

    /// Adds words.
    private mutating func say(_ text: String) {
        words += text.split(separator: " ").map { Array($0.utf8) }
    }

    /// The fixtures of a folder with an ending.
    private static func files(in folder: String, _ ending: String) throws -> [[UInt8]] {
        try folderContents("\(fixtures)/\(folder)").filter { $0.hasSuffix(ending) }
            .map { try readFile("\(fixtures)/\(folder)/\($0)") }
    }

    // MARK: - Formats

    /// Safetensors files; headers are changed alone and get their length and data.
    private mutating func addSafetensors() throws {
        files = try Self.files(in: "formats", ".safetensors")
        let header =
            #"{"__metadata__": {"format": "pt"}, "W_enc": {"dtype": "F32", "shape": [2, 3], "data_offsets": [0, 24]}, "b": {"dtype": "BF16", "shape": [4], "data_offsets": [24, 32]}, "k": {"dtype": "I64", "shape": [], "data_offsets": [32, 40]}}"#
        parts =
            [Array(header.utf8)] + files.map { Array($0[8..<8 + Int($0[0]) + 256 * Int($0[1])]) }
        wrapped = { part, _ in
            Archive.number(part.count, 8) + part + [UInt8](repeating: 1, count: 240)
        }
        files.append(wrapped(parts[0], 0))
        say(
            #""F16" "F64" "U8" "BOOL" "I32" "dtype": "shape": "data_offsets": "__metadata__": [] {} null 1e400 -1 [0,0] \u0000 \ud800"#
        )
    }

    /// Archives of numpy; arrays are changed alone and get an archive with the right checksum.
    private mutating func addArrays() throws {
        files = try Self.files(in: "formats", ".npz")
        parts = try Self.files(in: "formats", ".npy")
        wrapped = { part, _ in Archive.bytes([("a.npy", part), ("b.txt", [])]) }
        words = [
            [0x50, 0x4B, 1, 2], [0x50, 0x4B, 3, 4], [0x50, 0x4B, 5, 6], [0x50, 0x4B, 6, 6],
        ]
        words += [[0x50, 0x4B, 6, 7], [0x93, 0x4E, 0x55, 0x4D, 0x50, 0x59]]
        say("'<f2' '<f4' '<f8' '>f8' '|O' '|b1' True False (0,) (1,1,1) () 'shape': 'descr':")
    }

    /// Torch files; pickles are changed alone and get an archive with the storages.
    private mutating func addPickles() throws {
        files = try Self.files(in: "torch", ".pt")
        var storages: [[Archive.Member]] = []
        for file in files {
            let members = Archive.members(of: file)
            guard let pickle = members.first(where: { $0.name.hasSuffix("/data.pkl") }) else {
                continue
            }
            parts.append(pickle.data)
            let own = members.filter { $0.name.contains("/data/") }
            storages.append(own.map { ("a/data/\(lastComponent(of: $0.name))", $0.data) })
        }
        wrapped = { [storages] part, place in
            Archive.bytes([("a/data.pkl", part)] + storages[place])
        }
        words = (UInt8.min...UInt8.max).map { [$0] }
        for line in [
            "cos\nsystem\n", "cbuiltins\neval\n", "ccollections\nOrderedDict\n",
            "ctorch\nFloatStorage\n", "ctorch\nBFloat16Storage\n",
            "ctorch.storage\nUntypedStorage\n",
            "ctorch._utils\n_rebuild_tensor_v2\n", "ctorch._utils\n_rebuild_tensor_v3\n",
            "ctorch._utils\n_rebuild_parameter\n", "ctorch\nfloat32\n", ")R", "}(", "u.", "\u{85}",
        ] { words.append(Array(line.utf8)) }
        words += [
            [0x80, 2], [0x8A, 8], [0x28, 0x74], [0x94, 0x94], [0x8C, 1, 0x61], [0x7D, 0x71, 0],
        ]
    }

    /// JSON texts.
    private mutating func addJSON() {
        files = [
            #"{"a": [1, -2.5e3, null, true, false, NaN, -Infinity], "b\n": {"c": "\u00e9\ud83d\ude00"}}"#,
            #"[[], {}, [[[[1]]]], "\"\\\/\b\f\n\r\t", 9223372036854775807, 1e-300, "é😀"]"#,
            #"{"hidden_size": 64, "rope_scaling": {"factor": 8.0, "type": "llama3"}, "names": ["a", "b"]}"#,
            "\u{FEFF} 7 ",
        ].map { Array($0.utf8) }
        say(
            #"{ } [ ] , : " \ \u \ud800 \udc00 \u0000 null true NaN Infinity -Infinity 1e400 -0 0.1 1e -"#
        )
        words += [[0xFF], [0xC0, 0x80], [0xED, 0xA0, 0x80], [0xEF, 0xBB, 0xBF], [0]]
    }

    /// Tokenizer files.
    private mutating func addTokenizers() throws {
        for folder in try folderContents("\(Self.fixtures)/tokenizers") {
            let path = "\(Self.fixtures)/tokenizers/\(folder)/tokenizer.json"
            if fileExists(path), fileByteCount(path) ?? 0 < 20_000 {
                files.append(try readFile(path))
            }
        }
        let spaces = #"{"type": "Replace", "pattern": {"String": " "}, "content": "▁"}"#
        let bytes = #"{"type": "ByteLevel", "add_prefix_space": true, "use_regex": true}"#
        let split =
            #"{"type": "Split", "pattern": {"String": "a"}, "behavior": "MergedWithNext", "invert": true}"#
        let template =
            #"{"type": "TemplateProcessing", "single": [{"SpecialToken": {"id": "<s>"}}, {"Sequence": {"id": "A"}}], "special_tokens": {"<s>": {"id": "<s>", "ids": [4], "tokens": ["<s>"]}}}"#
        let added =
            #"[{"id": 4, "content": "<s>", "single_word": true, "lstrip": true, "rstrip": true, "normalized": true, "special": true}]"#
        let decoders =
            #"{"type": "Sequence", "decoders": [{"type": "Replace", "pattern": {"String": "▁"}, "content": " "}, {"type": "ByteFallback"}, {"type": "Fuse"}, {"type": "Strip", "content": " ", "start": 1, "stop": 0}]}"#
        for (normalizer, words) in [
            (spaces, split), ("null", bytes), (#"{"type": "NFC"}"#, "null"),
        ] {
            let text =
                #"{"added_tokens": \#(added), "normalizer": \#(normalizer), "pre_tokenizer": \#(words), "post_processor": \#(template), "decoder": \#(words == bytes ? bytes : decoders), "model": {"type": "BPE", "unk_token": "a", "fuse_unk": true, "byte_fallback": true, "ignore_merges": false, "vocab": {"a": 0, "b": 1, "ab": 2, "▁": 3, "<s>": 4, "<0x0A>": 5, "Ġ": 6, "Ġa": 7}, "merges": ["a b", ["Ġ", "a"]]}}"#
            parts.append(Array(text.utf8))
        }
        say(
            #""Sequence" "NFC" "Prepend" "prepend": "Metaspace" "Digits" "Regex": "normalizers": "pretokenizers": "Removed" "Contiguous" "" null true [] {} -1 10000000 "\u0000" "Ġ" "▁" "<0xFF>""#
        )
    }

    /// YAML texts.
    private mutating func addYAML() throws {
        files = [
            "model: &m 'a'\nsaes:\n  - path: \"b\\n\"\n    layers: [1, 2]\nevals: {core: {dataset: *m}}\n",
            "a: |\n  text\n  more\nb: >-\n  folded\n? c\n: d\n# end\n",
            "%YAML 1.1\n---\n- !!str 5\n- ~\n...\n",
            "a0: &a0 [1, 1]\na1: &a1 [*a0, *a0]\na2: {x: *a1, y: *a1}\n<<: {b: 1}\n",
        ].map { Array($0.utf8) }
        files.append(
            try readFile(
                "\(parentFolder(of: parentFolder(of: Self.fixtures)))/configs/quickstart.yaml"))
        say(
            "- ? : , [ ] { } & * ! | > ' \" % @ ` # &a *a !!map !!binary --- ... <<: \\x41 \\ud800 ~"
        )
        words += [[0x0A], [0x09], [0x0A, 0x20, 0x20], [0x2D, 0x20], [0x3F, 0x20], [0xFF], [0]]
    }

    /// Tables of text and labels.
    private mutating func addTables(isCSV: Bool) {
        files =
            isCSV
            ? [
                "prompt,target\n\"a, \"\"b\"\"\nc\",yes\nd,no\n", "a,b,c\r\n1,2,3\r\n4,5,6",
                "\u{FEFF}\"x\",\"y\"\n\"\",\n\n , \n",
            ].map { Array($0.utf8) }
            : [
                "{\"text\": \"a\\n\\u00e9\\ud83d\\ude00\", \"label\": 0}\n{\"label\": 1.5, \"text\": \"b\"}\n",
                "{\"a\": {\"en\": \"x\", \"l\": [1, {}]}, \"b\": null}\r\n\r\n{\"a\": true, \"b\": -1e9}",
            ].map { Array($0.utf8) }
        say(#"" "" , ,, { } [ ] : \ \" \u \ud800 null true -1 1e400 NaN"#)
        words += [[0x0A], [0x0D], [0x0D, 0x0A], [0xFF], [0xC3, 0xA9], [0], [0x22, 0x0A, 0x22]]
    }

    /// Frames of zstd: files of the fixtures, raw blocks, runs, and frames that are skipped.
    private mutating func addCompressed() throws {
        files = try Self.files(in: "corpora/choices/binary", ".csv.zst")
        let frame: [UInt8] = [0x28, 0xB5, 0x2F, 0xFD]
        files.append(frame + [0, 0x38, 0x22, 0, 0, 1, 2, 3, 4, 3, 0, 16, 0x61])
        files.append([0x50, 0x2A, 0x4D, 0x18, 2, 0, 0, 0, 9, 9] + frame + [0x20, 1, 9, 0, 0, 7])
        words = [
            frame, [0x50, 0x2A, 0x4D, 0x18], [3, 0, 16, 0], [0xFF, 0xFF, 0xFF], [0xA8], [1, 0, 0],
        ]
    }
}
