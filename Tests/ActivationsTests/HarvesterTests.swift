import Basics
import Corpora
import Kernels
import LanguageModels
import Tensors
import Testing

@testable import Activations

struct HarvesterTests {
    private static let hook = HookPoint(layer: 1, site: .residPost)
    private static let modelFolder = "\(packageFolder)/configs/quickstart/model"

    /// Texts of given lengths, whose first token is not stored; with `last`, only the last one is.
    private static func texts(_ lengths: [Int], last: Bool = false) -> TextRows {
        var rows = TextRows(
            tokens: [], starts: [0], stored: [], storedStarts: [0], groups: [], sources: [])
        for (text, length) in lengths.enumerated() {
            rows.tokens.append(0)
            for position in 1..<length {
                if !last || position == length - 1 { rows.stored.append(rows.tokens.count) }
                rows.tokens.append(Int32(1 + (text * 131 + position * 17) % 4000))
            }
            rows.starts.append(rows.tokens.count)
            rows.storedStarts.append(rows.stored.count)
            rows.sources.append("test:\(text)")
        }
        rows.groups = [.init(name: "all", split: .train, texts: Array(lengths.indices))]
        return rows
    }

    /// A source that holds some texts.
    private static func source(
        _ rows: TextRows, _ folder: TemporaryFolder, type: ElementType = .float32
    ) throws -> ActivationSource {
        let request = TextRequest(
            dataset: "d", selection: .binary(limit: 100), contextLength: 128, truncation: .start)
        let set = RowSet(
            rows, request: request, datasetPath: "/nowhere", key: ContentHash.of("texts"),
            path: "\(folder.path)/texts.safetensors")
        try rows.write(to: set.path, key: set.key, dataset: "d")
        return ActivationSource(
            rowSets: [set], sets: [], type: type, modelFolder: modelFolder, backend: CPUBackend(),
            threads: 2)
    }

    /// The activations of each text, run alone.
    private static func alone(_ rows: TextRows) throws -> [Float] {
        let model = try loadLanguageModel(folder: modelFolder, backend: CPUBackend())
        return try (0..<rows.count).flatMap { text in
            let tokens = Array(rows.tokens[rows.starts[text]..<rows.starts[text + 1]])
            let pass = ForwardPass(
                start: .tokens(tokens), end: .lastCapture, batch: 1, positions: tokens.count,
                captures: [hook])
            let x = try #require(try model.run(pass).captured[hook])
            return rows.stored[rows.storedStarts[text]..<rows.storedStarts[text + 1]].flatMap {
                let row = $0 - rows.starts[text]
                return x.rows(row..<row + 1).values
            }
        }
    }

    @Test(
        "Every stored token of a text has the activation that the text alone gives it, bit for bit",
        arguments: [false, true], [1, 2, 5])
    func texts(last: Bool, threads: Int) throws {
        let folder = try TemporaryFolder()
        // More than one block, texts across its border, and lengths far apart.
        let lengths = (0..<90).map { 2 + ($0 * 37) % 127 }
        let rows = Self.texts(lengths, last: last)
        let source = try Self.source(rows, folder)
        let set = source.rowSets[0]
        let blocks = (set.storedRows + set.blockRows - 1) / set.blockRows
        #expect(blocks > 1)
        var values: [Float] = []
        for block in 0..<blocks {
            let part = try source.harvester().block(
                block, rowSet: 0, hooks: [Self.hook], threads: threads)
            values += try #require(part[Self.hook]).values
        }
        #expect(values == (try Self.alone(rows)))
    }
    @Test(
        "An activation that is not finite in the stored type is an error that names hook and type",
        arguments: [
            (.float32, .greatestFiniteMagnitude, .infinity), (.bfloat16, 3e38, 3.4e38),
            (.float16, 65_504, 65_520),
        ] as [(ElementType, Float, Float)])
    func notFinite(type: ElementType, largest: Float, tooLarge: Float) throws {
        let folder = try TemporaryFolder()
        let source = try Self.source(Self.texts([3, 5]), folder, type: type)
        let description = try describeLanguageModel(folder: Self.modelFolder)
        func block(of value: Float) throws -> Tensor {
            let harvester = Harvester(
                source: source, model: ConstantModel(description: description, value: value))
            let block = try harvester.block(0, rowSet: 0, hooks: [Self.hook], threads: 1)
            return try #require(block[Self.hook])
        }
        let stored = try block(of: largest)
        #expect(stored.type == type && stored.values.allSatisfy { $0.isFinite })
        let error = #expect(throws: KernelError.self) { try block(of: tooLarge) }
        #expect(error?.code == .notFinite)
        #expect(
            error?.message.contains("at \(Self.hook) of \(Self.modelFolder)") == true
                && error?.message.contains("not finite in \(type.rawValue)") == true,
            "\(String(describing: error))")
    }
}

/// A model whose every activation is the same number.
private struct ConstantModel: LanguageModel {
    let description: ModelDescription
    let value: Float

    func run(_ pass: ForwardPass) throws -> ForwardResult {
        let shape = [pass.batch * pass.positions, description.modelSize]
        let x = Tensor([Float](repeating: value, count: shape[0] * shape[1]), shape: shape)
        return ForwardResult(
            captured: Dictionary(uniqueKeysWithValues: pass.captures.map { ($0, x) }), logits: nil)
    }
}
