import Glibc
import Synchronization
import Testing

@testable import Basics

/// Threads that are joined before the program leaves.
@Suite("Background threads")
struct BackgroundThreadTests {
    /// Something whose release takes a while.
    private final class SlowlyReleased: Sendable {
        let isReleased: Flag
        init(_ isReleased: Flag) { self.isReleased = isReleased }
        deinit {
            usleep(100_000)
            isReleased.value.store(true, ordering: .releasing)
        }
    }

    private final class Flag: Sendable {
        let value = Atomic<Bool>(false)
        var isSet: Bool { value.load(ordering: .acquiring) }
    }

    @Test("Ending a thread waits until what it held is released")
    func release() {
        let flag = Flag()
        var held: SlowlyReleased? = SlowlyReleased(flag)
        let thread = BackgroundThread("test") { [held] thread in
            withExtendedLifetime(held) { while !thread.isEnding { thread.sleep(seconds: 10) } }
        }
        held = nil
        #expect(!flag.isSet)
        thread.end()
        #expect(flag.isSet)
        thread.end()
    }

    @Test("A sleeping thread is woken at once when it should end")
    func wakes() {
        let clock = ContinuousClock()
        let thread = BackgroundThread("test") { $0.sleep(seconds: 60) }
        let time = clock.measure { thread.end() }
        #expect(time < .seconds(30))
    }

    @Test("A thread that ends itself is joined by whoever ends it later")
    func itself() {
        let ran = Flag()
        let thread = BackgroundThread("test") { thread in
            thread.end()
            ran.value.store(true, ordering: .releasing)
        }
        while !ran.isSet { usleep(1000) }
        thread.end()
        #expect(thread.isEnding)
    }
}
