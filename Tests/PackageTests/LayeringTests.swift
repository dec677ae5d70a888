import Foundation
import Testing

/// The rows of the design: a target imports only from rows below its own.
let designRows: [[String]] = [
    [
        "CMPI", "CHDF5", "COpenBLAS", "CKernels", "CXXHash", "CZlib", "CZstd", "CLBFGS",
        "CCurl", "CCrypto",
    ],
    ["Basics", "Messaging", "Tensors"],
    ["Kernels", "Formats", "Storage", "Tokenizers", "HTTP"],
    ["LanguageModels", "Autoencoders", "Corpora", "Probes", "Hub", "OperationWalk"],
    ["Results", "Activations"],
    ["EvalKit"],
    ["Plans"],
    ["Evals", "Runs", "Reports", "Provisioning"],
    ["SAEval"],
    ["saeval", "saeval-fuzz", "EmulatedGPU", "saeval-walk", "OwnAutoencoder"],
]

/// The row of each target.
private let rows = Dictionary(
    uniqueKeysWithValues: designRows.enumerated().flatMap { row, names in names.map { ($0, row) } })

/// Shims that one target alone imports.
private let owners = [
    "CMPI": "Messaging", "CHDF5": "Storage", "COpenBLAS": "Kernels", "CKernels": "Kernels",
    "CXXHash": "Basics", "CZlib": "Formats", "CZstd": "Formats",
    "CLBFGS": "Probes", "CCurl": "HTTP", "CCrypto": "Hub",
]

/// Modules that come with a product besides the one that has its name.
private let parts = ["Yams": ["CYaml"]]

/// Modules that come with the toolchain.
private let toolchain: Set<String> = [
    "Swift", "Foundation", "Glibc", "Dispatch", "Synchronization",
]

/// The package as its description says.
private func package() throws -> PackageDescription {
    PackageDescription(
        text: try String(contentsOfFile: "\(packageFolder)/Package.swift", encoding: .utf8))
}

/// The rules, with what a description declares.
private func layering(_ package: PackageDescription) -> Layering {
    Layering(
        rows: rows, owners: owners, toolchain: toolchain,
        declared: Dictionary(
            uniqueKeysWithValues: package.targets.map { target in
                (
                    target.name,
                    target.dependencies.union(target.dependencies.flatMap { parts[$0] ?? [] })
                )
            }))
}

struct LayeringTests {
    @Test("No source file imports from its own row or from above")
    func sources() throws {
        let imports = try sourceFiles().flatMap {
            Layering.imports(in: $0.text, target: $0.target, file: $0.path)
        }
        #expect(imports.count > 100)
        let violations = layering(try package()).violations(of: imports)
        #expect(violations == [])
    }

    @Test("No target declares what it may not import")
    func declarations() throws {
        let package = try package()
        let imports = package.targets.flatMap { target in
            target.dependencies.sorted().map {
                ImportLine(target: target.name, module: $0, file: "Package.swift", line: 0)
            }
        }
        #expect(imports.count > 50)
        #expect(layering(package).violations(of: imports) == [])
    }

    @Test("Every target stands under the row that the design gives it")
    func rowsOfTargets() throws {
        let targets = try package().targets
        #expect(targets.count > 20)
        for target in targets { #expect(target.row == rows[target.name], "\(target.name)") }
    }

    @Test("Only the executable and Formats see packages of others")
    func products() throws {
        let foreign: Set<String> = ["Yams", "ArgumentParser"]
        let users = try package().targets.filter { !$0.dependencies.isDisjoint(with: foreign) }
        #expect(users.map(\.name) == ["saeval", "Formats"])
    }
}

/// The checker itself, on made-up packages.
struct LayeringCheckerTests {
    /// Two rows, a shim and a product.
    private static let checker = Layering(
        rows: ["Low": 1, "Beside": 1, "High": 2, "CShim": 0, "CForeign": 0],
        owners: ["CShim": "Low"],
        toolchain: ["Glibc"],
        declared: [
            "Low": ["High", "Beside", "CShim", "Low"], "Beside": ["CShim", "CForeign"],
            "High": ["Low", "Yams"],
        ])

    @Test(
        "An import that breaks the rules is named with file and line",
        arguments: [
            ("Low", "High", "Low of row 1 imports High of row 2"),
            ("Low", "Beside", "Low of row 1 imports Beside of row 1"),
            ("Low", "Low", "Low of row 1 imports Low of row 1"),
            ("Beside", "CShim", "only Low may import CShim, not Beside"),
            ("Beside", "Yams", "Beside does not declare Yams"),
            ("Beside", "Low", "Beside does not declare Low"),
            ("Stranger", "Low", "Stranger has no row"),
        ])
    func refused(target: String, module: String, sentence: String) {
        let entry = ImportLine(
            target: target, module: module, file: "Sources/\(target)/A.swift", line: 7)
        #expect(
            Self.checker.violations(of: [entry]) == ["Sources/\(target)/A.swift:7: \(sentence)"])
    }

    @Test(
        "An import from below, of the toolchain or of a declared product is allowed",
        arguments: [
            ("High", "Low"), ("Low", "CShim"), ("Beside", "CForeign"), ("High", "Yams"),
            ("Low", "Glibc"),
        ])
    func allowed(target: String, module: String) {
        let entry = ImportLine(target: target, module: module, file: "A.swift", line: 1)
        #expect(Self.checker.violations(of: [entry]) == [])
    }

    @Test("Imports are found whatever stands before and behind them")
    func parsing() {
        let text = """
            import Low
            // import Commented
            @testable import High  // why
            public import struct Beside.Thing
            @_exported import CShim
              import Indented
            let imports = "import Quoted"
            """
        let found = Layering.imports(in: text, target: "T", file: "F")
        #expect(found.map(\.module) == ["Low", "High", "Beside", "CShim", "Indented"])
        #expect(found.map(\.line) == [1, 3, 4, 5, 6])
    }

    @Test("Targets, rows and dependencies are read from a description")
    func description() {
        let text = """
            products: [.library(name: "Outside", targets: ["Low"])],
            targets: [
                // Row 2
                .target(
                    name: "High",
                    dependencies: [
                        "Low", .product(name: "Yams", package: "YamsPackage"),
                    ], exclude: ["README.md"]),
                // Row 1
                .target(name: "Low"),
                .systemLibrary(name: "CShim", providers: [.apt(["libshim-dev"])]),
                .testTarget(name: "LowTests", dependencies: ["Low"]),
            ]
            """
        #expect(
            PackageDescription(text: text).targets == [
                .init(name: "High", row: 2, dependencies: ["Low", "Yams"]),
                .init(name: "Low", row: 1, dependencies: []),
                .init(name: "CShim", row: 1, dependencies: []),
            ])
    }
}
