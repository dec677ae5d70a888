import Basics
import Formats

/// Reads a YAML text into the tree that configs are checked on.
///
/// - Throws: ``RunError`` with file, line and what is wrong.
package func parseYAML(_ text: String, source: String) throws(RunError) -> JSON {
    do { return try yamlTree(text, source: source) } catch {
        throw RunError(.badConfig, error.message, advice: error.advice)
    }
}
