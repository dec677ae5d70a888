/// What a dataset's Parquet files hold under other names than those that evaluations read.
///
/// Hub repositories with a loading script store less than the script gives out; the script's work is
/// done by the conversion.
struct ImportRecipe {
    /// Columns and what they are made of, in SQL.
    var columns: [(name: String, expression: String)]
    /// Rows to keep, in SQL.
    var filter: String

    /// The recipe of a dataset; nil when its columns are taken as they are.
    static func named(_ dataset: String) -> ImportRecipe? {
        dataset == "codeparrot/github-code" ? code : nil
    }

    /// Source files of the five languages of SAE Bench.
    ///
    /// - Source: the dataset's card, where the ending of a path tells the language.
    private static let code: ImportRecipe = {
        let endings = [
            ("C", ["c", "h"]), ("HTML", ["html"]), ("Java", ["java"]),
            ("PHP", ["php", "php3", "php4", "php5", "phps", "phpt"]), ("Python", ["py"]),
        ]
        let cases = endings.map { language, endings in
            let tests = endings.map { "ends_with(path, '.\($0)')" }.joined(separator: " OR ")
            return "WHEN \(tests) THEN '\(language)'"
        }
        let language = "CASE \(cases.joined(separator: " ")) END"
        return ImportRecipe(
            columns: [("code", "content"), ("language", language)],
            filter: "\(language) IS NOT NULL")
    }()

    /// The table that it makes of another one.
    func table(from source: String) -> String {
        let list = columns.map { "\($0.expression) AS \($0.name)" }.joined(separator: ", ")
        return "(SELECT \(list) FROM \(source) WHERE \(filter))"
    }
}
