extension TextRequest {
    /// The names under which a config may have the dataset's files, the first one first: its own,
    /// then that of the dataset whose classes it is a part of, or that of the folder of all small
    /// binary datasets.
    ///
    /// - Throws: ``CorporaError`` when the dataset is of no known family.
    public var datasetNames: [String] {
        get throws(CorporaError) {
            if case .binary = selection { return [dataset, "sae-probes"] }
            return [dataset, try TextFamily.named(dataset).source]
        }
    }
}
