import Testing

@testable import Basics

struct ProcessMemoryTests {
    @Test("What the system says of memory is read in bytes")
    func status() {
        let text =
            "Name:\tx\nVmHWM:\t  2048 kB\nVmRSS:\t 1024 kB\nRssFile:\t  12 kB\nVmRSS: no kB\n"
        let memory = ProcessMemory(status: text)
        #expect(memory.peakBytes == 2 << 20 && memory.residentBytes == 1 << 20)
        #expect(memory.fileBytes == 12 << 10)
        let own = ProcessMemory()
        #expect(own.peakBytes >= own.residentBytes && own.residentBytes > 1 << 20)
    }
}
