import Basics

/// A dataset of labelled texts: its columns, its classes and how SAE Bench takes texts from it.
///
/// - Source: SAE Bench 0.6.0, `dataset_info.py` and `dataset_utils.py`. Differences are in the
///   catalogue, `Sources/SAEval/SAEval.docc/Differences.md`.
public struct TextFamily: Sendable {
    /// The id in configs.
    public let id: String
    /// The id of the dataset that holds the rows; several families may share one.
    public let source: String
    /// The classes in SAE Bench's order, which fixes the order of random numbers.
    public let classes: [String]
    /// The names of the column of texts, the first that is there counts.
    let textColumns: [String]
    /// The column of classes.
    let labelColumn: String
    /// The type of classes.
    let labelType: LabelType
    /// The column by which classes are balanced.
    let groupColumn: String?
    /// How texts are chosen.
    let rule: Rule
    /// The names that pairs have, with their labels.
    let pairLabels: [(name: String, label: Int)]
    /// The two values of ``groupColumn`` in the order of the six groups of a pair.
    let pairGroups: [Label]

    /// How the texts of classes are chosen.
    enum Rule: Sendable {
        /// Equal numbers for each value of the second column, sampled from each split.
        case balanced
        /// Sampled from the rows of a class, in each split.
        case sampled
        /// The first rows of each class that are long enough, without their beginning, shuffled and
        /// cut into splits.
        case firstFiles(fewestCharacters: Int, skippedCharacters: Int)
        /// The first rows of each class, shuffled and cut into splits.
        case firstSentences
    }

    /// The splits that are read.
    var splits: [TextRows.Split] {
        switch rule {
        case .balanced, .sampled: [.train, .test]
        case .firstFiles, .firstSentences: [.train]
        }
    }

    /// A family of one line of the table below.
    init(
        _ id: String, source: String? = nil, text: [String], label: String, _ labelType: LabelType,
        group: String? = nil, classes: [String], rule: Rule,
        pairs: (names: [(String, Int)], groups: [Label]) = ([], [])
    ) {
        (self.id, self.source, self.classes) = (id, source ?? id, classes)
        (textColumns, labelColumn, self.labelType, groupColumn) = (text, label, labelType, group)
        self.rule = rule
        pairLabels = pairs.names.map { (name: $0.0, label: $0.1) }
        pairGroups = pairs.groups
    }

    /// The family of a dataset's id.
    ///
    /// - Throws: ``CorporaError`` that lists the known ids.
    public static func named(_ id: String) throws(CorporaError) -> TextFamily {
        if let family = all.first(where: { $0.id == id }) { return family }
        throw CorporaError(
            .unknown, "`\(id)` is no dataset of labelled texts",
            advice: suggestion(for: id, among: all.map(\.id)))
    }
}

// MARK: - The table

extension TextFamily {
    /// All families. A new one is one entry.
    public static let all: [TextFamily] = [
        biographies("1", ["0", "1", "2", "6", "9"]),
        biographies("2", ["11", "13", "14", "18", "19"]),
        biographies("3", ["20", "21", "22", "25", "26"]),
        TextFamily(
            reviewsID, text: ["text"], label: "category", .integer, group: "rating",
            classes: ["1", "2", "3", "5", "6"], rule: .balanced,
            pairs: (reviewCategories, [.number(1), .number(5)])),
        TextFamily(
            reviewsID + "_sentiment", source: reviewsID, text: ["text"], label: "rating", .number,
            classes: ["1.0", "5.0"], rule: .sampled),
        TextFamily(
            "codeparrot/github-code", text: ["code", "text"], label: "language", .text,
            classes: ["C", "Python", "HTML", "Java", "PHP"],
            rule: .firstFiles(fewestCharacters: 535, skippedCharacters: 150)),
        TextFamily(
            "fancyzhx/ag_news", text: ["text"], label: "label", .integer,
            classes: ["0", "1", "2", "3"], rule: .sampled),
        TextFamily(
            "Helsinki-NLP/europarl", text: ["text", "translation"], label: "language", .text,
            classes: ["en", "fr", "de", "es", "nl"], rule: .firstSentences),
    ]

    /// The configurations of europarl that give a language, when its files are in folders of the
    /// hub's names.
    static let languagePairs = [
        "en": "en-fr", "fr": "fr-it", "de": "de-en", "es": "es-fr", "nl": "nl-pt",
    ]

    /// A family of the biographies.
    private static func biographies(_ number: String, _ classes: [String]) -> TextFamily {
        TextFamily(
            "LabHC/bias_in_bios_class_set\(number)", source: "LabHC/bias_in_bios",
            text: ["hard_text"], label: "profession", .integer, group: "gender", classes: classes,
            rule: .balanced, pairs: (professions, [.integer(0), .integer(1)]))
    }

    /// The id of the reviews.
    private static let reviewsID = "canrager/amazon_reviews_mcauley_1and5"

    /// The professions of the biographies.
    private static let professions = numbered(
        """
        accountant architect attorney chiropractor comedian composer dentist dietitian dj filmmaker
        interior_designer journalist model nurse painter paralegal pastor personal_trainer
        photographer physician poet professor psychologist rapper software_engineer surgeon teacher
        yoga_teacher
        """)

    /// The categories of the reviews.
    private static let reviewCategories = numbered(
        """
        All_Beauty Toys_and_Games Cell_Phones_and_Accessories Industrial_and_Scientific Gift_Cards
        Musical_Instruments Electronics Handmade_Products Arts_Crafts_and_Sewing Baby_Products
        Health_and_Household Office_Products Digital_Music Grocery_and_Gourmet_Food
        Sports_and_Outdoors Home_and_Kitchen Subscription_Boxes Tools_and_Home_Improvement
        Pet_Supplies Video_Games Kindle_Store Clothing_Shoes_and_Jewelry Patio_Lawn_and_Garden
        Unknown Books Automotive CDs_and_Vinyl Beauty_and_Personal_Care Amazon_Fashion
        Magazine_Subscriptions Software Health_and_Personal_Care Appliances Movies_and_TV
        """)

    /// Names and their indices.
    private static func numbered(_ names: String) -> [(String, Int)] {
        names.split(whereSeparator: \.isWhitespace).enumerated().map { (String($1), $0) }
    }
}
