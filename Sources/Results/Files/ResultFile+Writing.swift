import Basics

extension ResultFile {
    /// The file's bytes.
    ///
    /// - Parameter metrics: say which of SAE Bench's metrics are counts, which it writes without a
    ///   fraction.
    public func bytes(describedBy metrics: [MetricDescription]) -> [UInt8] {
        var object = JSONObjectBytes()
        object.add("eval_type_id", .string(evaluation))
        object.add("eval_config", outcome.saeBench.config)
        object.add("eval_id", .string(identifier))
        object.add("datetime_epoch_millis", .integer(time))
        object.add("eval_result_metrics", categories(metrics))
        // Hundreds of thousands of latents are not held as a tree.
        object.add("eval_result_details", count: outcome.details.count) {
            outcome.saeBenchDetail(at: $0)
        }
        object.add("sae_bench_commit_hash", .string("saeval \(programVersion)"))
        object.add("sae_lens_id", .string(id))
        object.add("sae_lens_release_id", .string(release))
        object.add("sae_lens_version", configuration["metadata"]?["sae_lens_version"] ?? .null)
        object.add("sae_cfg_dict", configuration)
        object.add(
            "eval_result_unstructured",
            .object(
                (outcome.saeBench.unstructured.members ?? []) + [
                    JSONMember(key: OwnKey.all, value: .object(own))
                ]))
        for (name, value) in outcome.saeBench.trailing { object.add(name, value) }
        return object.ended()
    }

    /// SAE Bench's metrics by category.
    private func categories(_ descriptions: [MetricDescription]) -> JSON {
        .object(
            outcome.categories.map { category in
                let members = category.metrics.map { metric in
                    let isCount = descriptions.isCount(metric.name)
                    return JSONMember(
                        key: metric.name,
                        value: metric.value.map { isCount ? .integer(Int($0)) : .number($0) }
                            ?? .null)
                }
                return JSONMember(key: category.name, value: .object(members))
            })
    }

    /// What SAE Bench has no place for.
    private var own: [JSONMember] {
        var members = outcome.ownMetrics.compactMap { metric in
            metric.value.map { JSONMember(key: metric.name, value: .number($0)) }
        }
        if let incomplete = outcome.incomplete {
            let means = incomplete.partialMeans.map {
                JSONMember(key: $0.name, value: .number($0.value))
            }
            let value = JSON.object([
                "missing": .array(incomplete.missing.map { .string($0) }),
                "partial_means": .object(means),
            ])
            members.append(JSONMember(key: OwnKey.incomplete, value: value))
        }
        let intervals = outcome.metrics.compactMap { metric in
            metric.interval.map { JSONMember(key: metric.name, value: json($0, metric.items)) }
        }
        if !intervals.isEmpty {
            members.append(JSONMember(key: OwnKey.intervals, value: .object(intervals)))
        }
        if !outcome.notes.isEmpty {
            let notes = JSON.array(outcome.notes.map { .string($0) })
            members.append(JSONMember(key: OwnKey.notes, value: notes))
        }
        return members
    }

    /// An interval and the number of items that it rests on.
    private func json(_ interval: ClosedRange<Double>, _ items: Int?) -> JSON {
        .object([
            "low": .number(interval.lowerBound), "high": .number(interval.upperBound),
            "items": items.map { .integer($0) } ?? .null,
        ])
    }
}

extension Outcome {
    /// One entry of SAE Bench's `eval_result_details`.
    ///
    /// - Parameter row: a row of ``details``.
    package func saeBenchDetail(at row: Int) -> JSON {
        let name: JSON =
            switch details.rows {
            case .indices(let indices): .integer(indices[row])
            case .texts(let texts): .string(texts[row])
            }
        let numbers = details.columns.map { name, values in
            JSONMember(key: name, value: values[row].map { .number($0) } ?? .null)
        }
        let others = saeBench.detailsTrailing.map {
            JSONMember(key: $0.name, value: $0.values[row])
        }
        return .object([JSONMember(key: details.key, value: name)] + numbers + others)
    }
}

/// The bytes of a JSON object with two spaces for each level, as ``JSON/text(indent:level:)`` writes
/// it, to which values are added one at a time.
private struct JSONObjectBytes {
    private var bytes = Array("{".utf8)

    /// Adds a value.
    mutating func add(_ key: String, _ value: JSON) {
        begin(key)
        bytes += value.text(indent: 2, level: 1).utf8
    }

    /// Adds an array whose elements are made one at a time.
    mutating func add(_ key: String, count: Int, element: (Int) -> JSON) {
        guard count > 0 else { return add(key, .array([])) }
        begin(key)
        for index in 0..<count {
            bytes += (index == 0 ? "[\n    " : ",\n    ").utf8
            bytes += element(index).text(indent: 2, level: 2).utf8
        }
        bytes += "\n  ]".utf8
    }

    /// Begins the line of a key.
    private mutating func begin(_ key: String) {
        bytes += ((bytes.count == 1 ? "\n  " : ",\n  ") + JSON.string(key).text() + ": ").utf8
    }

    /// Ends the object, which has at least one value.
    consuming func ended() -> [UInt8] {
        bytes += "\n}".utf8
        return bytes
    }
}
