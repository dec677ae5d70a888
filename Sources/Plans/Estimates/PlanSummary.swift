import Activations
import Basics
import EvalKit
import Kernels
import Results

/// What `saeval plan` tells of a plan, as text or as JSON.
public struct PlanSummary: Sendable, Codable {
    /// One evaluation of the plan.
    public struct EvaluationPart: Sendable, Codable {
        /// Its name in configs.
        public var evaluation: String
        /// SAE × layer.
        public var items: Int
        /// Units of work.
        public var units: Int
        /// Operations of all its units.
        public var operations: Double
        /// Operations of its largest unit.
        public var largestUnit: Double
    }

    /// Autoencoders at one hook.
    public struct CohortPart: Sendable, Codable {
        /// The hook.
        public var hook: String
        /// How many there are.
        public var autoencoders: Int
        /// Units of work.
        public var units: Int
        /// Operations of all units.
        public var operations: Double
    }

    /// How long the plan takes on a machine with all its ranks at work.
    public struct MachineTime: Sendable, Codable {
        /// The machine's name.
        public var machine: String
        /// What is assumed of it.
        public var note: String
        /// Ranks of one node.
        public var ranks: Int
        /// Seconds of arithmetic on one node with all its ranks.
        public var arithmeticSeconds: Double
        /// Seconds in which one node reads weights and moves activations.
        public var diskSeconds: Double
        /// Whether this build computes on that machine's processors alone.
        public var isGPU: Bool

        /// Seconds in all, if nothing overlaps.
        public var seconds: Double { arithmeticSeconds + diskSeconds }
    }

    /// The model's name.
    public var model: String
    /// SAE × evaluation × layer.
    public var items: Int
    /// Units of work.
    public var units: Int
    /// Autoencoders at all hooks.
    public var autoencoders: Int
    /// The work by evaluation.
    public var evaluations: [EvaluationPart]
    /// The work by hook.
    public var cohorts: [CohortPart]
    /// Operations of the forward passes that fill the activation store.
    public var harvestOperations: Double
    /// Operations of all units, computing activations again included.
    public var unitOperations: Double
    /// Bytes of activations that units read, about.
    public var bytesRead: Double
    /// Bytes of activations that are written.
    public var bytesWritten: Int
    /// Bytes of weights, shared by the ranks of a node.
    public var weightBytes: Int
    /// Bytes of the activations that are stored.
    public var activationBytes: Int
    /// Bytes that the activations of one wave may take; nil where nothing limits them.
    public var diskBudget: Int?
    /// Bytes that each wave writes.
    public var waveBytes: [Int]
    /// Highest memory of one rank as the system counts it, weights included.
    public var peakMemoryBytes: Int
    /// The parts of it, the largest first.
    public var peakMemory: [PlanMemory.Term]
    /// Memory of a GPU that one rank would like, weights included.
    public var deviceMemoryBytes: Int
    /// What becomes of activations, and why.
    public var storage: [StorageGroup]
    /// Hours by machine.
    public var machines: [MachineTime]
    /// What is not on disk.
    public var missing: [MissingItem]
    /// Sentences on sizes that are not known exactly.
    public var assumptions: [String]
    /// What cannot be evaluated.
    public var failures: [FailedItem]
    /// The command that downloads what is missing; nil when nothing is.
    public var fetchCommand: String?

    /// Counts a plan.
    ///
    /// - Parameters:
    ///   - threads: threads of one rank.
    ///   - machines: machines whose time is told.
    ///   - programBytes: what the program takes before its first task.
    ///   - rates: how many latents fire.
    ///   - limit: what the config lets one rank use; nil for no limit.
    public init(
        _ outline: PlanOutline, threads: Int, machines: [MachineProfile],
        programBytes: Int = ProgramMemory.measured(hasMessaging: false),
        rates: FiringRates = FiringRates(), limit: MemoryLimit? = nil
    ) {
        let plan = outline.plan
        let estimate = PlanEstimate.fitting(
            plan, threads: threads, chunks: .processor, localRanks: 1, limit: limit,
            programBytes: programBytes, rates: rates
        ).estimate
        model = plan.modelName
        (items, units) = (plan.itemCount, plan.units.count)
        autoencoders = plan.cohorts.reduce(0) { $0 + $1.cohort.subjects.count }
        evaluations = Self.evaluationParts(of: plan)
        cohorts = Self.cohortParts(of: plan)
        (harvestOperations, unitOperations) = (estimate.harvestOperations, estimate.unitOperations)
        storage = outline.storage
        bytesRead = storage.reduce(0) { $0 + $1.bytesRead }
        (bytesWritten, weightBytes) = (estimate.newBytes, estimate.mappedBytes)
        (activationBytes, waveBytes) = (estimate.activationBytes, estimate.waveBytes)
        diskBudget = outline.diskBudget
        (peakMemoryBytes, peakMemory) = (estimate.peakBytes, estimate.memory.terms)
        deviceMemoryBytes = PlanEstimate.deviceBytes(
            of: plan, threads: threads, chunks: CUDABackend.largestChunks)
        (missing, assumptions) = (outline.missing, outline.assumptions)
        failures = plan.failedItems
        fetchCommand = outline.missing.isEmpty ? nil : outline.fetchCommand
        let operations = harvestOperations + unitOperations
        let bytes = Double(weightBytes) + Double(bytesWritten) + bytesRead
        self.machines = machines.map { machine in
            MachineTime(
                machine: machine.name, note: machine.note, ranks: machine.ranksPerNode,
                arithmeticSeconds: operations
                    / (machine.operationsPerSecond * Double(machine.ranksPerNode)),
                diskSeconds: bytes / machine.diskBytesPerSecond, isGPU: machine.isGPU)
        }
    }

    /// The work of each evaluation.
    private static func evaluationParts(of plan: RunPlan) -> [EvaluationPart] {
        var parts = plan.evaluations.map {
            EvaluationPart(
                evaluation: $0.identifier, items: 0, units: 0, operations: 0, largestUnit: 0)
        }
        var items = Array(repeating: Set<SIMD2<Int>>(), count: parts.count)
        for unit in plan.units {
            parts[unit.evaluation].units += 1
            parts[unit.evaluation].operations += unit.cost
            parts[unit.evaluation].largestUnit = max(
                parts[unit.evaluation].largestUnit, unit.cost)
            for subject in unit.subjects where !unit.isSharedByAllSubjects {
                items[unit.evaluation].insert(SIMD2(unit.cohort, subject.value))
            }
        }
        for index in parts.indices { parts[index].items = items[index].count }
        return parts
    }

    /// The work of each cohort.
    private static func cohortParts(of plan: RunPlan) -> [CohortPart] {
        var parts = plan.cohorts.map {
            CohortPart(
                hook: $0.cohort.hook.description, autoencoders: $0.cohort.subjects.count, units: 0,
                operations: 0)
        }
        for unit in plan.units {
            parts[unit.cohort].units += 1
            parts[unit.cohort].operations += unit.cost
        }
        return parts
    }

    /// The summary as JSON, keys in snake case.
    public func json() throws -> JSON { try JSON(encoding: self) }
}
