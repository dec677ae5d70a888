// swift-tools-version: 6.1
import PackageDescription

// Rows of the design, top to bottom; a target imports only from rows below its own.
// `Tests/PackageTests` reads this file and fails on an upward import.
let package = Package(
    name: "saeval",
    products: [
        .executable(name: "saeval", targets: ["saeval"]),
        .library(name: "SAEval", targets: ["SAEval"]),
    ],
    dependencies: [
        // Flags and subcommands.
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
        // YAML of configs and of SAE descriptions.
        .package(url: "https://github.com/jpsim/Yams", from: "6.2.2"),
    ],
    targets: [
        // Row 9
        .executableTarget(
            name: "saeval",
            dependencies: [
                "SAEval", "Runs", "Plans", "Provisioning", "Activations", "Reports", "Results",
                "Evals", "EvalKit", "Corpora", "Autoencoders",
                "LanguageModels", "Kernels", "Storage", "Messaging", "Basics", "Tensors", "Hub",
                "Formats", .product(name: "ArgumentParser", package: "swift-argument-parser"),
            ]),
        // The example of an autoencoder of one's own, built here so that it shares this build; not a product.
        .executableTarget(
            name: "OwnAutoencoder", dependencies: ["SAEval"],
            path: "configs/examples/own-autoencoder/Sources/OwnAutoencoder"),
        // A fuzzer of the parsers of foreign files; not a product.
        .executableTarget(
            name: "saeval-fuzz",
            dependencies: ["Corpora", "Formats", "Tokenizers", "Tensors", "Basics"],
            path: "Tests/Fuzz"),
        // A GPU for tests where there is none; not a product.
        .target(name: "EmulatedGPU", dependencies: ["Kernels"], path: "Tests/EmulatedGPU"),
        // The walk over operations as a program, for machines without Swift; not a product.
        .executableTarget(
            name: "saeval-walk", dependencies: ["OperationWalk", "Kernels", "Tensors", "Basics"],
            path: "Tests/Walk"),
        // Row 8
        .target(
            name: "SAEval",
            dependencies: [
                "Evals", "Runs", "Plans", "Reports", "EvalKit", "Results", "Activations",
                "Autoencoders", "Kernels", "Messaging",
                "Tensors",
            ]),
        // Row 7
        .target(
            name: "Evals",
            dependencies: [
                "EvalKit", "Results", "Activations", "Autoencoders", "LanguageModels", "Corpora",
                "Probes", "Kernels", "Tensors", "Basics",
            ],
            exclude: [
                "Core/README.md", "SparseProbing/README.md", "SAEProbes/README.md",
                "SCRAndTPP/README.md",
            ]),
        .target(
            name: "Runs",
            dependencies: [
                "Plans", "EvalKit", "Results", "Activations", "Autoencoders", "LanguageModels",
                "Corpora", "Kernels", "Storage", "Formats", "Tokenizers", "Messaging", "Tensors",
                "Basics", "Hub",
            ]),
        .target(
            name: "Provisioning",
            dependencies: ["Plans", "Autoencoders", "Formats", "Hub", "Basics"]),
        .target(name: "Reports", dependencies: ["Plans", "EvalKit", "Results", "Basics"]),
        // Row 6
        .target(
            name: "Plans",
            dependencies: [
                "EvalKit", "Results", "Activations", "Autoencoders", "LanguageModels", "Corpora",
                "Kernels", "Storage", "Formats", "Tokenizers", "Tensors", "Basics", "Hub",
            ]),
        // Row 5
        .target(
            name: "EvalKit",
            dependencies: [
                "Results", "Activations", "LanguageModels", "Autoencoders", "Corpora", "Probes",
                "Kernels", "Tensors", "Basics",
            ]),
        // Row 4
        .target(
            name: "Results",
            dependencies: [
                "Autoencoders", "LanguageModels", "Storage", "Formats", "Tensors", "Basics",
            ]),
        .target(
            name: "Activations",
            dependencies: [
                "LanguageModels", "Autoencoders", "Corpora", "Kernels", "Storage", "Formats",
                "Tokenizers", "Tensors", "Basics",
            ]),
        // Row 3
        .target(name: "LanguageModels", dependencies: ["Kernels", "Formats", "Tensors", "Basics"]),
        .target(
            name: "Autoencoders", dependencies: ["Kernels", "Formats", "Tensors", "Basics"],
            exclude: ["Directory/make_directory.py"]),
        .target(
            name: "Corpora", dependencies: ["Tokenizers", "Formats", "Tensors", "Basics"],
            exclude: ["README.md"]),
        .target(name: "Probes", dependencies: ["Kernels", "Tensors", "Basics", "CLBFGS"]),
        .target(name: "Hub", dependencies: ["HTTP", "Formats", "Basics", "CCrypto"]),
        // Every operation with awkward shapes, for tests and their program; not a product.
        .target(
            name: "OperationWalk", dependencies: ["Kernels", "Tensors"],
            path: "Tests/OperationWalk"),
        // Row 2
        .target(
            name: "Kernels",
            dependencies: ["Tensors", "Basics", "COpenBLAS", "CKernels"],
            // The kernels for GPUs, which `CKernels` puts into the program.
            exclude: [
                "CUDA/attention.cu", "CUDA/attentionWide.cu", "CUDA/codes.cu", "CUDA/common.cu",
                "CUDA/decode.cu", "CUDA/distributions.cu", "CUDA/elements.cu", "CUDA/encode.cu",
                "CUDA/norms.cu", "CUDA/rows.cu", "CUDA/kernels.ptx", "CUDA/make_ptx.py",
            ]),
        .target(
            name: "Formats",
            dependencies: [
                "Tensors", "Basics", "CZlib", "CZstd", .product(name: "Yams", package: "Yams"),
            ]),
        .target(name: "Storage", dependencies: ["Messaging", "Tensors", "Basics", "CHDF5"]),
        .target(name: "Tokenizers", dependencies: ["Basics"]),
        .target(name: "HTTP", dependencies: ["Basics", "CCurl"]),
        // Row 1
        .target(name: "Basics", dependencies: ["CXXHash"]),
        .target(name: "Messaging", dependencies: ["CMPI"]),
        .target(name: "Tensors"),
        // Row 0
        .target(name: "CKernels", publicHeadersPath: "include"),
        .systemLibrary(
            name: "CMPI", pkgConfig: "ompi-c", providers: [.apt(["libopenmpi-dev", "openmpi-bin"])]),
        .systemLibrary(
            name: "CHDF5", pkgConfig: "hdf5-openmpi", providers: [.apt(["libhdf5-openmpi-dev"])]),
        .systemLibrary(
            name: "COpenBLAS", pkgConfig: "openblas", providers: [.apt(["libopenblas-dev"])]),
        .systemLibrary(
            name: "CXXHash", pkgConfig: "libxxhash", providers: [.apt(["libxxhash-dev"])]),
        .systemLibrary(name: "CZlib", pkgConfig: "zlib", providers: [.apt(["zlib1g-dev"])]),
        .systemLibrary(name: "CZstd", pkgConfig: "libzstd", providers: [.apt(["libzstd-dev"])]),
        .systemLibrary(name: "CLBFGS", pkgConfig: "liblbfgs", providers: [.apt(["liblbfgs-dev"])]),
        .systemLibrary(
            name: "CCurl", pkgConfig: "libcurl", providers: [.apt(["libcurl4-openssl-dev"])]),
        .systemLibrary(name: "CCrypto", pkgConfig: "libcrypto", providers: [.apt(["libssl-dev"])]),
        // Tests mirror the sources.
        .testTarget(name: "PackageTests"),
        .testTarget(name: "BasicsTests", dependencies: ["Basics"]),
        .testTarget(
            name: "KernelsTests",
            dependencies: ["EmulatedGPU", "OperationWalk", "Kernels", "Tensors", "Basics"]),
        .testTarget(name: "FormatsTests", dependencies: ["Formats", "Tensors", "Basics"]),
        .testTarget(name: "TokenizersTests", dependencies: ["Tokenizers", "Basics"]),
        .testTarget(name: "MessagingTests", dependencies: ["Messaging"]),
        .testTarget(
            name: "StorageTests", dependencies: ["Storage", "Messaging", "Tensors", "Basics"]),
        .testTarget(
            name: "LanguageModelsTests",
            dependencies: [
                "EmulatedGPU", "LanguageModels", "Kernels", "Formats", "Tensors", "Basics",
            ]),
        .testTarget(
            name: "AutoencodersTests",
            dependencies: ["Autoencoders", "Kernels", "Formats", "Tensors", "Basics"]),
        .testTarget(
            name: "CorporaTests",
            dependencies: ["Corpora", "Tokenizers", "Formats", "Tensors", "Basics"]),
        .testTarget(
            name: "EvalsTests",
            dependencies: [
                "EmulatedGPU", "Evals", "EvalKit", "Results", "Activations", "LanguageModels",
                "Autoencoders", "Corpora",
                "Probes", "Tokenizers", "Kernels", "Tensors", "Basics", "Formats", "CCrypto",
            ]),
        .testTarget(
            name: "RunsTests",
            dependencies: [
                "Runs", "Plans", "Provisioning", "Evals", "EvalKit", "Results", "Activations",
                "LanguageModels", "Autoencoders", "Corpora", "Storage",
                "Formats", "Hub", "Tensors", "Basics",
            ]),
        .testTarget(
            name: "ActivationsTests",
            dependencies: [
                "Activations", "LanguageModels", "Corpora", "Kernels", "Formats", "Tensors",
                "Basics",
            ]),
        .testTarget(
            name: "ResultsTests",
            dependencies: ["Results", "Autoencoders", "Storage", "Basics"]),
        .testTarget(
            name: "ReportsTests", dependencies: ["Reports", "EvalKit", "Results", "Basics"]),
        .testTarget(name: "ProbesTests", dependencies: ["Probes", "Kernels", "Tensors", "Basics"]),
        .testTarget(name: "HTTPTests", dependencies: ["HTTP", "CCurl"]),
        .testTarget(name: "HubTests", dependencies: ["Hub", "HTTP", "Formats", "Basics", "CCurl"]),
        .testTarget(
            name: "saevalTests",
            dependencies: [
                "EmulatedGPU", "saeval", "Runs", "Plans", "Provisioning", "Results", "Activations",
                "EvalKit", "Probes", "Corpora", "Autoencoders",
                "LanguageModels", "Kernels", "Storage", "Tokenizers", "Hub", "Messaging", "Basics",
                "Formats", "Tensors",
            ]),
    ],
    swiftLanguageModes: [.v6]
)

// What is tested is optimised in debug builds too, or tests would take three times as long. Not where
// another package depends on a version of this one, since SwiftPM refuses such flags there.
if !Context.packageDirectory.contains("/checkouts/") {
    for target in package.targets where [.regular, .executable].contains(target.type) {
        target.swiftSettings = [.unsafeFlags(["-O"], .when(configuration: .debug))]
        target.cSettings = [.unsafeFlags(["-O2"], .when(configuration: .debug))]
    }
}
