import Glibc
import Testing

@testable import Tensors

struct LargeMemoryTests {
    @Test("Blocks in use and kept take little more than those in use ever took")
    func slack() {
        var state = LargeMemory.State()
        var (held, address): ([LargeMemory.Block], UInt) = ([], 1)
        var random = UInt64(7)
        for _ in 0..<5000 {
            random = random &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            if random >> 63 == 0 || held.isEmpty, held.count < 40 {
                let size = Int(random >> 40 % 9 + 1) << 20
                let (block, _) = state.take(size)
                held.append(block ?? .init(size: size, address: address))
                address += 1
            } else {
                let block = held.remove(at: Int(random >> 33) % held.count)
                let isKept = state.giveBack(block, most: 1 << 30)
                #expect(isKept)
            }
            #expect(state.usedBytes == held.reduce(0) { $0 + $1.size })
            #expect(state.keptBytes == state.kept.reduce(0) { $0 + $1.size })
            #expect(
                state.usedBytes + state.keptBytes
                    <= state.mostUsedBytes + LargeMemory.slack(of: state.mostUsedBytes))
        }
        #expect(LargeMemory.slack(of: 1 << 20) == 8 << 20)
        #expect(LargeMemory.slack(of: 1 << 30) == 1 << 26)
    }

    @Test("A block of the same size is used again")
    func again() {
        var state = LargeMemory.State()
        let first = state.take(1 << 20).block
        let isKept = state.giveBack(.init(size: 1 << 20, address: 5), most: 1 << 30)
        let second = state.take(1 << 20).block
        #expect(first == nil && isKept)
        #expect(second?.address == 5)
    }

    @Test(
        "Memory of every size can be written to its end",
        arguments: [0, 1, 65_535, 65_537, 9 << 20])
    func sizes(byteCount: Int) {
        let memory = HostMemory.take(byteCount)
        #expect(Int(bitPattern: memory) % 64 == 0)
        memset(memory, 7, byteCount)
        HostMemory.giveBack(memory, byteCount)
    }
}
