import Glibc
import Testing

@testable import Basics

struct FailureTests {
    @Test("A message ends with cause, code and advice")
    func description() {
        let plain = BasicsError(.missing, "There is no file")
        #expect(plain.description == "There is no file [basics.missing]")
        let full = BasicsError(.malformed, "It broke", advice: "mend it", cause: plain)
        #expect(
            full.description
                == "It broke (There is no file [basics.missing]) [basics.malformed] Try: mend it."
        )
    }

    @Test("An error knows where it was made")
    func location() {
        let line = #line + 1
        let error = BasicsError(.missing, "a")
        #expect(error.location.file.hasSuffix("FailureTests.swift"))
        #expect(error.location.line == line)
    }

    @Test("A message with a name of a foreign file that never ends is cut in the middle")
    func longMessage() {
        let name = String(repeating: "é", count: 100_000)
        let error = BasicsError(.malformed, "Tensor `\(name)` has no dtype")
        #expect(error.message.utf8.count < 4_000)
        #expect(error.message.hasPrefix("Tensor `é") && error.message.hasSuffix("has no dtype"))
    }

    @Test(
        "A write that the system refuses is a mistake of the path; other ones are nobody's",
        arguments: [
            (ENOSPC, .outOfSpace), (EDQUOT, .outOfSpace), (EFBIG, .outOfSpace), (EIO, .systemCall),
            (EMFILE, .systemCall), (EACCES, .unwritable), (EROFS, .unwritable),
            (ENAMETOOLONG, .unwritable),
        ] as [(Int32, BasicsDomain.Code)])
    func writing(number: Int32, code: BasicsDomain.Code) {
        errno = number
        let error = BasicsError.unwritable("a/b cannot be written", advice: "name another")
        #expect(error.code == code)
        #expect(error.kind == (code == .unwritable ? .mistake : .failure))
        #expect(error.message.hasPrefix("a/b cannot be written: "))
        #expect((error.advice == "name another") == (code == .unwritable))
    }
}
