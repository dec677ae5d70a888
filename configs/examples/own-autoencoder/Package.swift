// swift-tools-version: 6.1
import PackageDescription

// A program that evaluates an autoencoder of its own type.
let package = Package(
    name: "own-autoencoder",
    dependencies: [.package(name: "saeval", path: "../../..")],
    targets: [
        .executableTarget(
            name: "OwnAutoencoder", dependencies: [.product(name: "SAEval", package: "saeval")])
    ],
    swiftLanguageModes: [.v6]
)
