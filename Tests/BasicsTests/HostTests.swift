import Testing

@testable import Basics

struct HostTests {
    @Test("The host has a name and memory, of which some can be had")
    func facts() throws {
        #expect(!hostName().isEmpty)
        #expect(hostMemoryBytes() > 1 << 20)
        #expect(try #require(availableMemoryBytes()) > 0)
    }
}

struct GroupLimitTests {
    @Test("The smallest limit of a control group and of those above it counts")
    func second() {
        let files = ["/a/b/memory.max": "max\n", "/a/memory.max": "2048\n", "/memory.max": "4096"]
        #expect(groupLimit(groups: "0::/a/b\n") { files[$0] } == 2048)
        #expect(groupLimit(groups: "0::/\n") { files[$0] } == 4096)
        #expect(groupLimit(groups: "0::/c\n") { _ in nil } == nil)
    }

    @Test("Control groups of the first kind are read where they are, without their word for none")
    func first() {
        let files = [
            "/memory/a/memory.limit_in_bytes": "1024",
            "/memory/memory.limit_in_bytes": "9223372036854771712",
        ]
        let groups = "5:cpu,cpuacct:/x\n4:memory:/a\nno group\n"
        #expect(groupLimit(groups: groups) { files[$0] } == 1024)
        #expect(groupLimit(groups: "4:memory:/\n") { files[$0] } == nil)
    }
}
