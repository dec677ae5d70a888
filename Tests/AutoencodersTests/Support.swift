import Basics
import Formats
import Glibc
import Kernels
import Tensors
import Testing

@testable import Autoencoders

/// The folder of this topic's fixtures.
let fixtures: String = {
    let tests = #filePath.split(separator: "/", omittingEmptySubsequences: false).dropLast(2)
    return tests.joined(separator: "/") + "/Fixtures/saes"
}()

/// The folder of material that lies beside the checkout.
let sharedFolder: String? = getenv("SAEVAL_SHARED").map { String(cString: $0) }

/// The names of the fixtures.
let fixtureNames: [String] = (try? folderContents("\(fixtures)/tiny-res")) ?? []

/// A fixture, loaded.
func fixture(_ name: String, folding: Bool) throws -> LinearAutoencoder {
    try load("\(fixtures)/tiny-res/\(name)", folding: folding)
}

/// The autoencoder in a folder, loaded.
func load(_ path: String, folding: Bool = false) throws -> LinearAutoencoder {
    let reference = try #require(try findAutoencoders(under: path).first)
    let loaded = try loadAutoencoder(reference, foldingDecoderNorms: folding)
    return try #require(loaded as? LinearAutoencoder)
}

/// Codes as rows of all latents.
func dense(_ codes: SparseCodes) -> [Float] {
    var values = [Float](repeating: 0, count: codes.rows * codes.latents)
    for row in 0..<codes.rows {
        for entry in codes.rowStarts[row]..<codes.rowStarts[row + 1] {
            values[row * codes.latents + Int(codes.indices[entry])] = codes.values[entry]
        }
    }
    return values
}

/// Checks values against expected ones.
func expectClose(
    _ values: [Float], _ expected: [Float], within tolerance: Float = 1e-5,
    _ what: Comment, location: Testing.SourceLocation = #_sourceLocation
) {
    #expect(values.count == expected.count, what, sourceLocation: location)
    let worst = zip(values, expected).map { abs($0 - $1) / (1 + abs($1)) }.max() ?? 0
    #expect(worst <= tolerance, what, sourceLocation: location)
}

/// A folder that a test may fill; removed with all it holds when this object goes.
final class TemporaryFolder {
    /// Where it is.
    let path: String

    init() throws {
        var template = Array("/tmp/autoencoders-XXXXXX".utf8CString)
        path = try #require(mkdtemp(&template).map { String(cString: $0) })
    }

    deinit { Self.remove(path) }

    /// Writes a text into it.
    func write(_ text: String, to name: String) throws {
        try makeFolder(parentFolder(of: "\(path)/\(name)"))
        try writeFile(Array(text.utf8), to: "\(path)/\(name)")
    }

    /// Copies a fixture into it.
    func copyFixture(_ name: String, to folder: String) throws {
        try makeFolder("\(path)/\(folder)")
        for file in ["cfg.json", "sae_weights.safetensors"] {
            let bytes = try readFile("\(fixtures)/tiny-res/\(name)/\(file)")
            try writeFile(bytes, to: "\(path)/\(folder)/\(file)")
        }
    }

    /// Writes an autoencoder into it.
    func writeAutoencoder(
        _ configuration: KeyValuePairs<String, JSON>, _ tensors: [(name: String, tensor: Tensor)],
        to folder: String = "sae"
    ) throws {
        try write(JSON.object(configuration).text(), to: "\(folder)/cfg.json")
        try writeSafetensors(tensors, to: "\(path)/\(folder)/sae_weights.safetensors")
    }

    private static func remove(_ path: String) {
        for name in (try? folderContents(path)) ?? [] {
            let child = "\(path)/\(name)"
            var information = stat()
            let isFolder =
                lstat(child, &information) == 0 && information.st_mode & S_IFMT == S_IFDIR
            if isFolder { remove(child) } else { unlink(child) }
        }
        rmdir(path)
    }
}

/// A configuration of version 6.
func configuration(
    _ architecture: String, modelSize: Int, latents: Int, subtracting: Bool = true,
    more: [JSONMember] = []
) -> JSON {
    let base: JSON = .object([
        "d_in": .integer(modelSize), "d_sae": .integer(latents), "dtype": .string("float32"),
        "apply_b_dec_to_input": .bool(subtracting), "architecture": .string(architecture),
        "metadata": .object([
            "sae_lens_version": .string("6.54.12"), "model_name": .string("tiny"),
            "hook_name": .string("blocks.0.hook_resid_post"),
        ]),
    ])
    return .object((base.members ?? []) + more)
}
