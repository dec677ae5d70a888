import Testing

@testable import Activations
@testable import Plans
@testable import Runs

struct ActivationStorageTests {
    /// Something that is cheap to read and dear to compute.
    private func demand(_ bytes: Int, reads: Double = 10, isThere: Bool = false)
        -> ActivationDemand
    {
        ActivationDemand(byteCount: bytes, isThere: isThere, operations: 1e15, reads: reads)
    }

    @Test("Without a limit everything that is dear to compute is stored in one wave")
    func unlimited() {
        let storage = ActivationStorage(
            of: [demand(100), demand(200)], together: [[Int]](), choice: .auto, budget: nil)
        #expect(storage.policies == [.store, .store])
        #expect(storage.waves == [0, 0] && storage.waveBytes == [300] && !storage.hasWaves)
        #expect(storage.reasons == [.storingIsCheaper, .storingIsCheaper])
    }

    @Test("A wave takes sets in their order until the next does not fit")
    func waves() {
        let storage = ActivationStorage(
            of: [demand(60), demand(40), demand(50), demand(10), demand(60)],
            together: [[Int]](), choice: .auto, budget: 100)
        #expect(storage.waves == [0, 0, 1, 1, 2])
        #expect(storage.waveBytes == [100, 60, 60] && storage.hasWaves)
    }

    @Test("Sets that a unit reads together are in one wave, also through others")
    func together() {
        let storage = ActivationStorage(
            of: [demand(60), demand(30), demand(30), demand(10)],
            together: [[0, 3], [1, 2]], choice: .auto, budget: 75)
        #expect(storage.waves == [0, 1, 1, 0])
        let chained = ActivationStorage(
            of: [demand(10), demand(10), demand(10)], together: [[2, 1], [1, 0]], choice: .auto,
            budget: 30)
        #expect(chained.waves == [0, 0, 0])
    }

    @Test("What cannot fit alone is computed again, the largest of a group first")
    func tooLarge() {
        let storage = ActivationStorage(
            of: [demand(500), demand(90), demand(50)], together: [[0, 1]], choice: .auto,
            budget: 100)
        #expect(storage.policies == [.recompute, .store, .store])
        #expect(storage.reasons[0] == .tooLarge)
        #expect(storage.waves == [0, 0, 1])
        #expect(storage.waveBytes.allSatisfy { $0 <= 100 })
    }

    @Test("What costs less to compute than to move is computed again")
    func cheap() {
        let embedding = ActivationDemand(byteCount: 1 << 30, operations: 0, reads: 3)
        let storage = ActivationStorage(
            of: [embedding], together: [[Int]](), choice: .auto, budget: nil)
        #expect(storage.policies == [.recompute])
        #expect(storage.reasons == [.computingIsCheaper] && storage.waveBytes == [0])
    }

    @Test("A single reader is no reason to compute again: the file serves later runs")
    func singleReader() {
        let storage = ActivationStorage(
            of: [demand(1 << 20, reads: 1)], together: [[Int]](), choice: .auto, budget: nil)
        #expect(storage.policies == [.store])
    }

    @Test("A file that is there is used, whatever its size, and takes no room")
    func isThere() {
        let storage = ActivationStorage(
            of: [demand(500, isThere: true), demand(100)], together: [[0, 1]], choice: .auto,
            budget: 100)
        #expect(storage.policies == [.store, .store] && storage.reasons[0] == .isThere)
        #expect(storage.waveBytes == [100])
    }

    @Test("The config has the last word", arguments: [ActivationChoice.store, .recompute])
    func asked(choice: ActivationChoice) {
        let storage = ActivationStorage(
            of: [demand(500), demand(50)], together: [[Int]](), choice: choice, budget: 100)
        #expect(storage.reasons == [.asked, .asked])
        #expect(storage.policies.allSatisfy { ($0 == .store) == (choice == .store) })
        #expect(storage.waveBytes == (choice == .store ? [500, 50] : [0]))
    }

    @Test("No wave is beyond the budget, and groups stay whole", arguments: 0..<50)
    func random(seed: Int) {
        var state = UInt64(seed) &* 2_654_435_761 &+ 12345
        func next(_ bound: Int) -> Int {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return Int(state >> 33) % bound
        }
        let demands = (0..<12).map { _ in demand(1 + next(70)) }
        let together = (0..<4).map { _ in [next(12), next(12)] }
        let storage = ActivationStorage(
            of: demands, together: together, choice: .auto, budget: 100)
        #expect(storage.waveBytes.allSatisfy { $0 <= 100 })
        for pair in together
        where pair.allSatisfy({ storage.policies[$0] == .store }) {
            #expect(storage.waves[pair[0]] == storage.waves[pair[1]])
        }
        let written = zip(demands, storage.policies).reduce(0) {
            $0 + ($1.1 == .store ? $1.0.byteCount : 0)
        }
        #expect(storage.waveBytes.reduce(0, +) == written)
    }
}
