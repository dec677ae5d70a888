import Basics

extension ResultFile {
    /// Reads a result file, of this program or of SAE Bench.
    ///
    /// - Parameters:
    ///   - json: the file's content.
    ///   - hasDetails: whether the details are read, which can be many.
    /// - Returns: nil for what is not a result.
    public init?(_ json: JSON, hasDetails: Bool = true) {
        guard let evaluation = json["eval_type_id"]?.text,
            let release = json["sae_lens_release_id"]?.text, let id = json["sae_lens_id"]?.text,
            let metrics = json["eval_result_metrics"]?.members
        else { return nil }
        self.evaluation = evaluation
        (self.release, self.id) = (release, id)
        identifier = json["eval_id"]?.text ?? ""
        time = json["datetime_epoch_millis"]?.integer ?? 0
        configuration = json["sae_cfg_dict"] ?? .null
        let unstructured = json["eval_result_unstructured"]
        let own = unstructured?[OwnKey.all]
        outcome = Outcome(
            metrics: metrics.flatMap { [Metric]($0.key, Self.values($0.value)) }
                + [Metric](own: Self.values(own)),
            notes: own?[OwnKey.notes]?.elements?.compactMap(\.text) ?? [])
        outcome.incomplete = own?[OwnKey.incomplete].map(Self.incomplete)
        for (index, metric) in outcome.metrics.enumerated() {
            guard let entry = own?[OwnKey.intervals]?[metric.name] else { continue }
            outcome.metrics[index].interval = Self.interval(entry)
            outcome.metrics[index].items = entry["items"]?.integer
        }
        outcome.saeBench.config = json["eval_config"] ?? .null
        outcome.saeBench.unstructured = .object(
            (unstructured?.members ?? []).filter { $0.key != OwnKey.all })
        outcome.saeBench.trailing = Self.trailing(json)
        if hasDetails { read(details: json["eval_result_details"]?.elements ?? []) }
    }

    /// The numbers of an object, with nil for null; other values are left out.
    private static func values(_ json: JSON?) -> NamedValues {
        (json?.members ?? []).filter { $0.value.isNull || $0.value.double != nil }
            .map { ($0.key, $0.value.double) }
    }

    /// The parts that are missing, and means over the others.
    private static func incomplete(_ json: JSON) -> IncompleteMeans {
        IncompleteMeans(
            missing: json["missing"]?.elements?.map { $0.text ?? $0.text() } ?? [],
            partialMeans: values(json["partial_means"]).compactMap { name, value in
                value.map { (name, $0) }
            })
    }

    /// An interval; nil where one of its ends is missing or they are the wrong way round.
    private static func interval(_ json: JSON) -> ClosedRange<Double>? {
        guard let low = json["low"]?.double, let high = json["high"]?.double, low <= high else {
            return nil
        }
        return low...high
    }

    /// What comes after SAE Bench's common keys.
    private static func trailing(_ json: JSON) -> [(name: String, value: JSON)] {
        let members = json.members ?? []
        guard let last = members.lastIndex(where: { $0.key == "eval_result_unstructured" }) else {
            return []
        }
        return members[(last + 1)...].map { ($0.key, $0.value) }
    }

    /// Reads the details: each row is named by its first value, and numbers follow.
    private mutating func read(details: [JSON]) {
        let rows = details.compactMap { $0.members.flatMap { $0.isEmpty ? nil : $0 } }
        guard let first = rows.first, rows.count == details.count else { return }
        let indices = rows.compactMap { $0[0].value.integer }
        outcome.details.key = first[0].key
        outcome.details.rows =
            indices.count == rows.count
            ? .indices(indices) : .texts(rows.map { $0[0].value.text ?? $0[0].value.text() })
        for (index, member) in first.enumerated().dropFirst() {
            // Rows have the same keys in the same order, or are searched.
            let values = rows.map { row -> JSON in
                if index < row.count, row[index].key == member.key { return row[index].value }
                return row.first { $0.key == member.key }?.value ?? .null
            }
            if values.allSatisfy({ $0.isNull || $0.double != nil }) {
                outcome.details.columns.append((member.key, values.map(\.double)))
            } else {
                outcome.saeBench.detailsTrailing.append((member.key, values))
            }
        }
    }
}
