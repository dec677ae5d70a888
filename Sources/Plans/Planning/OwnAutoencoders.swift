import Autoencoders
import Basics
import EvalKit
import Kernels
import Tensors

/// Autoencoders that a program made itself instead of naming files, checked and ready to plan with.
///
/// Every rank makes the same ones, in the same order.
public struct OwnAutoencoders: Sendable {
    /// One of them under its name, with the key of its function.
    private struct Entry: Sendable {
        var reference: AutoencoderReference
        package var autoencoder: any Autoencoder
        var key: ContentHash
    }

    private var entries: [Entry] = []

    /// None.
    public static let none = OwnAutoencoders()

    private init() {}

    /// Takes autoencoders after a self-test of each: some rows are encoded and decoded.
    ///
    /// - Throws: ``RunError`` when two go by one name, or when the self-test gives wrong shapes,
    ///   unsorted latents or values that are not finite; errors of theirs.
    public init(_ autoencoders: [any Autoencoder], on backend: any KernelBackend) throws {
        for autoencoder in autoencoders {
            let reference = AutoencoderReference(describing: autoencoder.description)
            guard !entries.contains(where: { $0.reference.path == reference.path }) else {
                throw RunError(
                    .unsuitable, "Two autoencoders of this program go by \(reference.path)",
                    advice: "give each an `id` of its own in its description")
            }
            let test = try SelfTest(of: autoencoder, named: reference.path, on: backend)
            entries.append(
                Entry(
                    reference: reference, autoencoder: autoencoder,
                    key: try Self.key(of: autoencoder, test: test)))
        }
    }

    /// Whether there are none.
    package var isEmpty: Bool { entries.isEmpty }

    /// What to plan with, in the order they were given.
    var references: [AutoencoderReference] { entries.map(\.reference) }

    /// The one that a reference names; nil for those that are on disk.
    package func autoencoder(_ reference: AutoencoderReference) -> (any Autoencoder)? {
        entry(reference)?.autoencoder
    }

    /// The key of the one that a reference names; nil for those that are on disk.
    func key(of reference: AutoencoderReference) -> ContentHash? { entry(reference)?.key }

    private func entry(_ reference: AutoencoderReference) -> Entry? {
        guard reference.layout == AutoencoderReference.ownLayout else { return nil }
        return entries.first { $0.reference.path == reference.path }
    }

    /// The key of its function: the program's bytes, its description, weights and self-test.
    ///
    /// The program's bytes make sure that no result of older code is taken for one of newer code.
    private static func key(of autoencoder: any Autoencoder, test: SelfTest) throws -> ContentHash {
        let matrices = [autoencoder.decoderMatrix, autoencoder.encoderMatrix].map { view in
            view.map { view in
                let bytes = UnsafeRawBufferPointer(
                    start: view.tensor.bytes, count: view.tensor.byteCount)
                return "\(view.tensor.shape) \(view.isTransposed) \(ContentHash.of(bytes))"
            } ?? "none"
        }
        let bias = autoencoder.encoderBias.withUnsafeBytes { ContentHash.of($0).hex }
        let scale = autoencoder.latentScale?.withUnsafeBytes { ContentHash.of($0).hex }
        return ContentHash.of(parts: [
            ("program", try ContentHash.of(file: "/proc/self/exe").hex),
            ("decoder", matrices[0]), ("encoder", matrices[1]), ("bias", bias),
            ("scale", scale ?? "none"), ("hook", autoencoder.description.hookName),
            ("trial", test.key.hex),
        ])
    }
}

/// What an autoencoder makes of some rows that are the same on every machine.
private struct SelfTest {
    /// The hash of codes and reconstructions.
    let key: ContentHash

    /// Rows of the self-test; their scale grows from 0.1 to 100, since the hook is unknown.
    private static let scales: [Float] = [0.1, 0.3, 1, 3, 10, 30, 100]

    /// Encodes and decodes.
    init(of autoencoder: any Autoencoder, named name: String, on backend: any KernelBackend) throws
    {
        let description = autoencoder.description
        let x = Self.rows(of: description.modelSize)
        let codes = try autoencoder.encode(x, on: backend)
        try Self.check(codes, description.latents, name)
        let y = try autoencoder.decode(codes, of: x, on: backend)
        guard y.type == .float32, y.shape == x.shape else {
            throw RunError(
                .unsuitable,
                "`decode` of \(name) gave \(y.type) of shape \(y.shape), expected float32 of \(x.shape)",
                advice: "return as many rows and columns as were encoded")
        }
        guard (0..<y.count).allSatisfy({ y.floats[$0].isFinite }) else {
            throw RunError(
                .unsuitable, "`decode` of \(name) gave values that are not finite",
                advice: "check its weights")
        }
        let decoder = autoencoder.decoderMatrix
        guard decoder.rows == description.latents, decoder.columns == description.modelSize else {
            throw RunError(
                .unsuitable,
                "`decoderMatrix` of \(name) is \(decoder.rows) by \(decoder.columns), expected "
                    + "[latents, model] = \(description.latents) by \(description.modelSize)",
                advice: "transpose it, or correct the description")
        }
        let parts = [
            codes.indices.withUnsafeBytes { ContentHash.of($0) },
            codes.values.withUnsafeBytes { ContentHash.of($0) },
            ContentHash.of(UnsafeRawBufferPointer(start: y.bytes, count: y.byteCount)),
        ]
        key = ContentHash.of(parts.map(\.hex).joined())
    }

    /// Rows of numbers that look random, one row for each scale.
    private static func rows(of size: Int) -> Tensor {
        var state: UInt64 = 0x9E37_79B9_7F4A_7C15
        let values = scales.flatMap { scale in
            (0..<size).map { _ in
                state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
                return scale * (Float(state >> 40) / Float(1 << 23) - 1)
            }
        }
        return Tensor(values, shape: [scales.count, size])
    }

    /// Checks codes against the number of rows and latents.
    private static func check(_ codes: SparseCodes, _ latents: Int, _ name: String) throws {
        func wrong(_ what: String) -> RunError {
            RunError(
                .unsuitable, "`encode` of \(name) \(what)",
                advice: "give the non-zero latents of each row, ascending")
        }
        guard codes.latents == latents, codes.rows == scales.count else {
            throw wrong(
                "gave \(codes.rows) rows of \(codes.latents) latents for \(scales.count) rows; "
                    + "its description says \(latents) latents")
        }
        let isCounted =
            codes.rowStarts[0] == 0 && codes.rowStarts.last == codes.indices.count
            && codes.indices.count == codes.values.count
            && zip(codes.rowStarts, codes.rowStarts.dropFirst()).allSatisfy(<=)
        guard isCounted else { throw wrong("gave row starts that do not fit its entries") }
        for row in 0..<codes.rows {
            var last: Int32 = -1
            for entry in codes.rowStarts[row]..<codes.rowStarts[row + 1] {
                let latent = codes.indices[entry]
                guard latent > last, latent < Int32(latents) else {
                    throw wrong("gave latent \(latent) after \(last) in row \(row)")
                }
                guard codes.values[entry].isFinite, codes.values[entry] != 0 else {
                    throw wrong("gave \(codes.values[entry]) for latent \(latent) of row \(row)")
                }
                last = latent
            }
        }
    }
}

extension AutoencoderReference {
    /// The layout of those that are not on disk.
    static let ownLayout = "own type"

    /// Names an autoencoder of a program's own.
    fileprivate init(describing description: AutoencoderDescription) {
        self.init(
            release: description.release, id: description.id,
            path: "\(description.release)/\(description.id)", layout: Self.ownLayout,
            hookName: description.hookName, outputHookName: description.outputHookName,
            modelName: description.modelName, modelSize: description.modelSize,
            latents: description.latents, architecture: description.architecture,
            storedBytes: description.storedBytes,
            prependsBeginning: description.prependsBeginning,
            configuration: description.configuration)
    }
}
