import Autoencoders
import Basics
import Corpora
import EvalKit
import Formats
import Hub
import Kernels
import LanguageModels
import Messaging
import Probes
import Runs
import Storage
import Testing
import Tokenizers

/// The exit code of every error that the program can end with.
@Suite("Exit codes")
struct ExitCodeTests {
    /// Codes of errors that are nobody's mistake: 1, or 75 where the same command goes on later. All
    /// others are 64.
    static let others: [String: Int32] = [
        "basics.outOfSpace": 1, "basics.systemCall": 1, "dataset.damaged": 1,
        "evaluation.damagedPartial": 1, "evaluation.notFinite": 1, "formats.outOfSpace": 1,
        "formats.systemCall": 1, "hub.forbidden": 1, "hub.malformed": 1, "hub.offline": 1,
        "hub.outOfSpace": 1, "hub.refused": 1, "hub.systemCall": 1, "hub.unreachable": 1,
        "hub.wrongBytes": 1, "kernels.device": 1, "kernels.notFinite": 1, "kernels.outOfMemory": 1,
        "kernels.shape": 1, "messaging.callFailed": 1, "messaging.finalized": 1,
        "messaging.invalidRank": 1, "messaging.noThreads": 1, "messaging.tooLong": 1,
        "probe.notConverged": 1, "probe.notFinite": 1, "probe.wrongShape": 1, "run.damaged": 1,
        "run.inUse": 75, "run.lostRank": 1, "run.outOfSpace": 1, "storage.busy": 75,
        "storage.checksum": 1, "storage.damaged": 1, "storage.hdf5": 1, "storage.incomplete": 1,
        "storage.invalid": 1, "storage.missing": 1, "storage.otherRank": 1,
        "storage.outOfSpace": 1, "storage.systemCall": 1,
    ]

    /// An error of each code of a domain, by the name in brackets that ends its message.
    static func errors<Domain: FailureDomain>(_: Domain.Type) -> [(String, any Error)] {
        Domain.Code.allCases.map { ("\(Domain.name).\($0.rawValue)", Failure<Domain>($0, "")) }
    }

    /// An error of each code of each domain.
    static let all: [(String, any Error)] =
        errors(BasicsDomain.self) + errors(FormatDomain.self) + errors(StorageDomain.self)
        + errors(TokenizerDomain.self) + errors(KernelDomain.self) + errors(CorporaDomain.self)
        + errors(AutoencoderDomain.self) + errors(LanguageModelDomain.self)
        + errors(ProbeDomain.self) + errors(HubDomain.self) + errors(EvaluationDomain.self)
        + errors(RunDomain.self)
        + MessagingError.Code.allCases.map {
            ("messaging.\($0.rawValue)", MessagingError($0, ""))
        }

    @Test("Every error ends with 64 where something must be changed, else with 1, or 75")
    func table() {
        #expect(Self.all.count > 100)
        let found = Self.all.filter { FailureKind(of: $0.1) != .mistake }
        let codes = Dictionary(
            uniqueKeysWithValues: found.map {
                ($0.0, FailureKind(of: $0.1).rawValue)
            })
        #expect(codes == Self.others)
    }

    /// An error that does not tell its kind.
    private struct Unknown: Error {}

    @Test("An error that does not tell its kind is a failure, nobody's mistake")
    func unknown() { #expect(FailureKind(of: Unknown()).rawValue == 1) }
}
