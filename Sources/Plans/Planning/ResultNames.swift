import Autoencoders
import Basics
import Foundation
import Glibc
import Results

/// Checks, before anything is computed, that every result gets a file of its own that can be made.
struct ResultNames {
    /// The run's folder.
    let output: String
    /// Names of the evaluations, which are folders of results.
    let evaluations: [String]
    /// Whether the file system of the output folder takes upper and lower case for the same.
    let ignoresCase: Bool

    /// - Parameter ignoresCase: nil asks the file system.
    init(output: String, evaluations: [String], ignoresCase: Bool? = nil) {
        (self.output, self.evaluations) = (output, evaluations)
        self.ignoresCase = ignoresCase ?? Self.ignoresCase(at: output)
    }

    /// Checks the names of some autoencoders' results.
    ///
    /// - Returns: sentences on names that other file systems would take for one.
    /// - Throws: ``RunError`` for two autoencoders with one file, and for a path that no file can
    ///   have.
    package func check(_ references: [AutoencoderReference]) throws(RunError) -> [String] {
        try checkOutput()
        var notes: [String] = []
        var known: [String: (name: String, reference: AutoencoderReference)] = [:]
        for reference in references {
            let name = resultFileName(release: reference.release, id: reference.id)
            try checkPath(name)
            // Equal texts may have other bytes: composed and decomposed letters.
            let folded = name.lowercased()
            guard let other = known.updateValue((name, reference), forKey: folded) else { continue }
            let isSame = other.name.utf8.elementsEqual(name.utf8)
            guard !isSame, !ignoresCase else {
                throw RunError(
                    .unsuitable,
                    "\(described(other.reference)) and \(described(reference)) would both be "
                        + "written to \(name)"
                        + (isSame ? "" : ", as the file system of \(output) ignores case"),
                    advice: "rename one folder or evaluate them in runs of their own")
            }
            notes.append(
                "\(other.name) and \(name) are two results here and one on file systems that "
                    + "ignore case: rename a folder before you copy them to such a one")
        }
        return notes
    }

    /// An autoencoder's path and name.
    private func described(_ reference: AutoencoderReference) -> String {
        "\(reference.path) (\(reference.release)/\(reference.id))"
    }

    /// Refuses an output folder that no file system can hold.
    private func checkOutput() throws(RunError) {
        let parts = output.utf8.split(separator: UInt8(ascii: "/"))
        guard !output.utf8.contains(0), parts.allSatisfy({ $0.count <= 255 }) else {
            let fault =
                output.utf8.contains(0)
                ? "holds a NUL character" : "has a part of more than 255 bytes"
            throw RunError(
                .badConfig, "`output` \(fault): \(output)",
                advice: "give another folder after --output")
        }
    }

    /// Refuses a path with more bytes than the system takes.
    private func checkPath(_ name: String) throws(RunError) {
        let evaluation = evaluations.max { $0.utf8.count < $1.utf8.count } ?? ""
        let path = "\(output)/eval_results/\(evaluation)/\(name)"
        let bytes = path.utf8.count + longestPartialEnding.utf8.count
        guard bytes >= Int(PATH_MAX) else { return }
        throw RunError(
            .badConfig,
            "The path of the result \(name) in `output` has \(bytes) bytes, and \(PATH_MAX - 1) "
                + "are the most",
            advice: "give a folder with a shorter path after --output")
    }

    /// Whether the file system of a folder that need not be there yet ignores case. Nothing is
    /// written for it; where no letter can be tried it counts as one that does not.
    private static func ignoresCase(at path: String) -> Bool {
        let full = URL(fileURLWithPath: nearestFolder(to: path)).resolvingSymlinksInPath().path
        let name = lastComponent(of: full)
        let other = name == name.lowercased() ? name.uppercased() : name.lowercased()
        var (own, swapped) = (stat(), stat())
        guard name != other, stat(full, &own) == 0,
            stat("\(parentFolder(of: full))/\(other)", &swapped) == 0
        else { return false }
        return own.st_dev == swapped.st_dev && own.st_ino == swapped.st_ino
    }
}
