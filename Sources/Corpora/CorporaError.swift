import Basics

/// What can go wrong with datasets.
public enum CorporaDomain: FailureDomain {
    public enum Code: String, Sendable {
        case missing, unsupported, malformed, notText, missingColumn, empty, wrongShape
    }
    public static let name = "dataset"
}

/// An error of reading a dataset.
public typealias CorporaError = Failure<CorporaDomain>
