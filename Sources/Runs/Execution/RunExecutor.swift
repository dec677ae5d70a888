import Activations
import Basics
import EvalKit
import Kernels
import Messaging
import Plans
import Results
import Storage
import Tensors

/// How a run ended.
public struct RunSummary: Sendable {
    /// Results in the order of cohorts, evaluations and autoencoders.
    public var results: [RunResult] = []
    /// What failed, by name and reason.
    public var failures: [FailedItem] = []
    /// Whether a stop was requested before all work was done.
    public var isStopped = false
    /// The run's folder.
    public var folder = ""
    /// Ends the program with an exit code, where ranks were lost and MPI cannot end properly.
    public var leave: (@Sendable (Int32) -> Never)?
}

/// Runs a config on all ranks.
public struct RunExecutor {
    let source: ConfigurationSource
    let catalogue: [EvaluationEntry]
    let messenger: Messenger
    let backend: (any KernelBackend)?
    let own: OwnAutoencoders
    let options: RunOptions

    /// - Parameters:
    ///   - backend: nil for what the config's `device` says.
    ///   - own: autoencoders to evaluate besides those that the config names; the same on all ranks.
    ///   - options: what happens when something goes wrong; the same on all ranks.
    public init(
        source: ConfigurationSource, catalogue: [EvaluationEntry], messenger: Messenger,
        backend: (any KernelBackend)? = nil, own: OwnAutoencoders = .none,
        options: RunOptions = RunOptions()
    ) {
        (self.source, self.catalogue, self.options) = (source, catalogue, options)
        (self.messenger, self.backend, self.own) = (messenger, backend, own)
    }

    /// Runs or resumes; collective.
    ///
    /// - Returns: the summary on rank 0; nil on the others.
    /// - Throws: on rank 0 what made the run impossible, before anything is written where the
    ///   config is at fault. An error in the middle ends all ranks.
    public func run() throws -> RunSummary? {
        StopSignal.listen()
        var (introduction, offer, failure) = introduce()
        let introductions = try messenger.gather(messageBytes(introduction))
        let ranks = try introductions?.map { try message($0, as: RankIntroduction.self) } ?? []
        let heartbeat = RunningHeartbeat(heartbeat(hosts: ranks.map(\.host)))
        RankWatch.together()
        guard messenger.rank == 0 else {
            defer { heartbeat.end() }
            let isLeaving = try follow(offer)
            offer.gpu = nil
            heartbeat.end()
            if isLeaving { messenger.leave(code: 0, endingOthers: false) }
            return nil
        }
        do {
            if let failure { throw failure }
            try refuseMixedConfigs(ranks)
            return try StopSignal.during(messenger, leavingAfter: options.stopWithinSeconds) {
                try coordinate(ranks, offer, heartbeat)
            }
        } catch {
            for rank in 1..<max(1, messenger.size) {
                try? messenger.send(messageBytes(Command.stop), to: rank, tag: MessageTag.command)
            }
            heartbeat.end(awaiting: Array(1..<max(1, messenger.size)))
            throw error
        }
    }

    /// Where the run does not survive it, the loss of a rank ends the job.
    private func heartbeat(hosts: [String]) -> Heartbeat {
        let (messenger, options) = (messenger, options)
        return Heartbeat(
            messenger: messenger, limitSeconds: options.watchdogSeconds,
            isStopRequested: { StopSignal.isRequested }, requestStop: { StopSignal.request() },
            lose: { rank in
                guard !options.survives else { return }
                messenger.abort(
                    code: 1,
                    message:
                        "\(options.timeOut(of: rank, on: hosts[rank])), so the job ends; the same command resumes"
                )
            })
    }

    private func configuration() throws -> RunConfiguration {
        try source.configuration(catalogue: catalogue, needsAutoencoders: own.isEmpty)
    }

    private func introduce() -> (RankIntroduction, DeviceOffer, (any Error)?) {
        let configured = Result { try configuration() }
        let text = (try? configured.get().tree.text()) ?? "unreadable"
        let device = backend == nil ? (try? configured.get().device) ?? "cpu" : "cpu"
        let offer = DeviceOffer(
            device: device, localRank: messenger.localRank, localSize: messenger.localSize)
        let introduction = RankIntroduction(
            configuration: ContentHash.of(ContentKeys.version + text).hex, host: hostName(),
            processors: allowedProcessors(), hasGPU: offer.gpu != nil, device: offer.sentence,
            kernels: offer.gpu?.kernelsNote ?? "",
            hasDriver: offer.hasDriver)
        if case .failure(let error) = configured { return (introduction, offer, error) }
        return (introduction, offer, nil)
    }

    /// What this rank computes with.
    private func backend(
        _ offer: DeviceOffer, usesGPU: Bool, chunks: ChunkPolicy = .processor
    ) -> any KernelBackend {
        if let backend { return backend }
        if usesGPU, let gpu = offer.gpu { return gpu }
        return CPUBackend(chunks: chunks)
    }

    /// What to say when work is cut smaller so that it fits into memory.
    private func smallerPieces(_ plan: RunPlan, _ backend: any KernelBackend) -> String? {
        guard backend is CPUBackend, backend.chunks != .processor else { return nil }
        return "to keep within memory, the run takes \(backend.chunks.tokens) tokens at a time "
            + "instead of \(ChunkPolicy.processor.tokens)"
    }

    private func refuseMixedConfigs(_ ranks: [RankIntroduction]) throws {
        guard let other = ranks.firstIndex(where: { $0.configuration != ranks[0].configuration })
        else { return }
        throw RunError(
            .mixedConfigs,
            "Rank \(other) on \(ranks[other].host) reads another config than rank 0 on \(ranks[0].host)",
            advice:
                "start all ranks with one command, and check that every machine sees the same file, flags and SAEVAL_ variables"
        )
    }

    // MARK: - Ranks other than 0

    /// Works until rank 0 says stop.
    ///
    /// - Returns: whether to leave without the others.
    private func follow(_ offer: DeviceOffer) throws -> Bool {
        guard case .begin(let plan, let threads, let usesGPU) = try receiveCommand(messenger)
        else { return false }
        do {
            let worker = Worker(
                workspace: try workspace(
                    plan, threads: threads,
                    backend: backend(offer, usesGPU: usesGPU, chunks: plan.chunks)),
                messenger: messenger, survives: options.survives)
            return try worker.follow()
        } catch {
            try? messenger.send(
                messageBytes(WorkReport.fatal("\(error)")), to: 0, tag: MessageTag.report)
            _ = try? messenger.waitForMessage(
                from: 0, tag: MessageTag.command, deadline: .seconds(8))
            messenger.abort(code: FailureKind(of: error).rawValue, message: "\(error)")
        }
    }

    private func workspace(
        _ plan: RunPlan, threads: Int, backend: any KernelBackend
    ) throws -> RankWorkspace {
        let evaluations = try plan.evaluations.map { entry in
            try catalogue.named(entry.identifier).make(
                JSON(parsing: Array(entry.settings.utf8), source: "the plan"))
        }
        return RankWorkspace(
            plan: plan, evaluations: evaluations, backend: backend, threads: threads, own: own)
    }

    // MARK: - Rank 0

    private func coordinate(
        _ ranks: [RankIntroduction], _ offer: DeviceOffer, _ heartbeat: RunningHeartbeat
    ) throws -> RunSummary {
        let configuration = try configuration()
        let device = try DeviceChoice(
            device: backend == nil ? configuration.device : "cpu", ranks: ranks)
        var backend = backend(offer, usesGPU: device.usesGPU)
        let threads = ThreadShares(ranks: ranks, fixed: configuration.threads)
        let planner = try Planner(
            configuration, catalogue: catalogue, backendName: backend.name, own: own)
        var plan = try planner.plan()
        let limit = memoryLimit(configuration)
        let (estimate, chunks) = PlanEstimate.fitting(
            plan, threads: threads.mostAtOnce, chunks: backend.chunks,
            localRanks: threads.mostWorkersOnOneHost, limit: limit,
            programBytes: ProgramMemory.measured(hasMessaging: true),
            rates: planner.firingRates(of: plan))
        try estimate.check(localRanks: threads.mostWorkersOnOneHost, limit: limit)
        if backend.chunks.atOnce == nil { plan.chunks = chunks }
        let memory = (backend as? CUDABackend).flatMap {
            estimate.deviceNote(limitBytes: $0.memoryLimitBytes)
        }
        if self.backend == nil, backend is CPUBackend { backend = CPUBackend(chunks: plan.chunks) }
        try makeFolder(plan.output)
        let record = try RunRecord(folder: plan.output)
        try record.ledger.check(plan, device: backend.name)
        let log = try prepare(
            plan, planner,
            notes: [
                device.note, memory, smallerPieces(plan, backend),
                estimate.weightsNote(localRanks: threads.mostWorkersOnOneHost, limit: limit),
                record.notice, threads.note,
            ])
        giveFreedMemoryBack()
        for rank in 1..<max(1, messenger.size) {
            let begin = Command.begin(
                plan, threads: threads.share[rank], usesGPU: device.usesGPU)
            try messenger.send(messageBytes(begin), to: rank, tag: MessageTag.command)
        }
        let worker = Worker(
            workspace: try workspace(plan, threads: threads.share[0], backend: backend),
            messenger: messenger, survives: options.survives)
        let pool = WorkPool(
            worker: worker, messenger: messenger, heartbeat: heartbeat.heartbeat, options: options,
            hosts: ranks.map(\.host))
        defer { pool.endLocalWorker() }
        do {
            try pool.gatherWorkers()
            let coordinator = Coordinator(
                plan: plan, worker: worker, pool: pool, record: record, log: log, ranks: ranks,
                threads: threads, toldBytes: estimate.peakBytes)
            var summary = try coordinator.run()
            try pool.stop()
            heartbeat.end(awaiting: pool.others)
            summary.leave = leave(pool)
            return summary
        } catch {
            log.write("error", [("text", .string("\(error)"))])
            if messenger.isParallel {
                messenger.abort(code: FailureKind(of: error).rawValue, message: "\(error)")
            }
            throw error
        }
    }

    /// How the program ends where other ranks cannot be waited for.
    private func leave(_ pool: WorkPool) -> (@Sendable (Int32) -> Never)? {
        guard pool.hasLosses else { return nil }
        let messenger = messenger
        return { messenger.leave(code: $0, endingOthers: true) }
    }

    /// Makes the folders and rows of a run and says what the user should know.
    private func prepare(_ plan: RunPlan, _ planner: Planner, notes: [String?]) throws -> EventLog {
        let folders = plan.evaluations.map { "\(plan.output)/eval_results/\($0.identifier)" }
        for folder in [plan.output] + folders { removePartialFiles(in: folder) }
        let log = try EventLog(path: "\(plan.output)/log.jsonl")
        try writeFile(
            Array(try planner.resolvedConfiguration().yaml().utf8), to: "\(plan.output)/config.yaml"
        )
        for note in notes.compactMap({ $0 }) + plan.notes { log.note(note) }
        for set in plan.rowSets {
            let note = try RowStore.prepare(
                set, modelFolder: plan.modelFolder, vocabulary: plan.model.vocabulary,
                texts: planner.texts)
            if let note { log.note(note) }
        }
        return log
    }
}
