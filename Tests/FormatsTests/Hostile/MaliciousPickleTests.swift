import Basics
import Formats
import Testing

/// A pickle that would run a command in Python.
private struct Gadget: Sendable, CustomTestStringConvertible {
    /// How it would run it.
    var testDescription: String
    /// A piece of the error's sentence.
    var sentence: String
    /// The pickle that runs a shell command.
    var pickle: @Sendable (_ command: String) -> [UInt8]

    init(_ name: String, _ sentence: String, _ pickle: @escaping @Sendable (String) -> [UInt8]) {
        (testDescription, self.sentence, self.pickle) = (name, sentence, pickle)
    }

    /// A call of a function by its name, within a dict.
    static func call(
        _ module: String, _ name: String, _ arguments: @escaping @Sendable (String) -> [UInt8]
    ) -> Gadget {
        Gadget("\(module).\(name)", "asks for `\(module) \(name)`, which is never called") {
            ForgedPickle.holding(
                ForgedPickle.global(module, name) + ForgedPickle.mark + arguments($0)
                    + ForgedPickle.tuple + ForgedPickle.reduce)
        }
    }
}

/// A shell command as the only argument.
@Sendable private func shell(_ command: String) -> [UInt8] { ForgedPickle.text(command) }

/// A Python expression that runs a shell command.
@Sendable private func python(_ command: String) -> [UInt8] {
    ForgedPickle.text("__import__('os').system('\(command)')")
}

/// The words of a command, behind a shell.
@Sendable private func words(_ command: String) -> [UInt8] {
    [0x5D, 0x28] + ["sh", "-c", command].flatMap(ForgedPickle.text) + [0x65]
}

/// The function that runs a shell, by its name.
private let system = ForgedPickle.global("os", "system")

private let refusedNames: [Gadget] = [
    .call("os", "system", shell), .call("posix", "system", shell), .call("nt", "system", shell),
    .call("os", "popen", shell), .call("os", "execvp", { shell("sh") + words($0) }),
    .call("os", "remove", shell), .call("subprocess", "Popen", words),
    .call("subprocess", "check_output", words), .call("subprocess", "getoutput", shell),
    .call("builtins", "eval", python), .call("builtins", "exec", python),
    .call("__builtin__", "eval", python), .call("__builtin__", "execfile", shell),
    .call("builtins", "compile", python), .call("builtins", "__import__", { _ in shell("os") }),
    .call("builtins", "getattr", { _ in [0x7D] + shell("system") }),
    .call("builtins", "open", { shell($0) + shell("w") }),
    .call("pty", "spawn", words), .call("runpy", "_run_code", python),
    .call("importlib", "import_module", { _ in shell("antigravity") }),
    .call("shutil", "rmtree", shell), .call("pickle", "loads", python),
    .call("_pickle", "loads", python), .call("torch", "load", shell),
    .call("torch.storage", "_load_from_bytes", python), .call("torch.hub", "load", shell),
    .call("torch.utils.collect_env", "run", shell), .call("webbrowser", "open", shell),
    .call("functools", "partial", { _ in system }), .call("operator", "methodcaller", shell),
    .call("types", "FunctionType", python), .call("ctypes", "CDLL", shell),
    .call("code", "interact", shell), .call("timeit", "timeit", python),
    .call("numpy.testing._private.utils", "runstring", python),
    .call("collections", "OrderedDict.__init__", shell),
    .call("torch._utils", "_rebuild_tensor_v2.__globals__", shell),
    .call("torch", "FloatStorage.__reduce__", shell), .call("torch ", "FloatStorage", shell),
    .call("tоrch", "FloatStorage", shell), .call("torch", "serialization.os.system", shell),
]

private let refusedForms: [Gadget] = [
    Gadget("a name from the stack", "`os system`") {
        ForgedPickle.holding(ForgedPickle.call(ForgedPickle.stackGlobal("os", "system"), shell($0)))
    },
    Gadget("a dotted name from the stack", "`collections abc.sys.modules`") {
        ForgedPickle.holding(
            ForgedPickle.call(ForgedPickle.stackGlobal("collections", "abc.sys.modules"), shell($0))
        )
    },
    Gadget("a text of protocol 0", "operation STRING") {
        Array("cos\nsystem\n(S'\($0)'\ntR.".utf8.dropFirst(11))
    },
    Gadget("INST of a text", "`os system`") {
        ForgedPickle.start + ForgedPickle.mark + shell($0) + Array("ios\nsystem\n.".utf8)
    },
    Gadget("INST of a name on the list", "operation INST") {
        ForgedPickle.start + ForgedPickle.mark + shell($0)
            + Array("icollections\nOrderedDict\n.".utf8)
    },
    Gadget("OBJ", "`os system`") {
        ForgedPickle.start + ForgedPickle.mark + system + shell($0) + [0x6F, 0x2E]
    },
    Gadget("OBJ of a name on the list", "operation OBJ") {
        ForgedPickle.start + ForgedPickle.mark + ForgedPickle.global("collections", "OrderedDict")
            + shell($0) + [0x6F, 0x2E]
    },
    Gadget("NEWOBJ", "operation NEWOBJ") {
        ForgedPickle.holding(
            ForgedPickle.global("collections", "OrderedDict") + shell($0) + [0x85, 0x81])
    },
    Gadget("NEWOBJ_EX", "operation NEWOBJ_EX") {
        ForgedPickle.holding(
            ForgedPickle.global("collections", "OrderedDict") + shell($0) + [0x85, 0x7D, 0x92])
    },
    Gadget("EXT1", "operation EXT1") {
        ForgedPickle.holding([0x82, 1] + shell($0) + [0x85, 0x52])
    },
    Gadget("EXT2", "operation EXT2") {
        ForgedPickle.holding([0x83, 1, 0] + shell($0) + [0x85, 0x52])
    },
    Gadget("EXT4", "operation EXT4") {
        ForgedPickle.holding([0x84, 1, 0, 0, 0] + shell($0) + [0x85, 0x52])
    },
    Gadget("within a persistent id", "`os system`") {
        ForgedPickle.holding(
            ForgedPickle.tensor(
                ForgedPickle.storage(type: ForgedPickle.call(system, shell($0)))))
    },
    Gadget("a persistent id in text", "operation PERSID") {
        ForgedPickle.start + Array("P\($0)\n.".utf8)
    },
    Gadget("within the hooks of a tensor", "`os system`") {
        ForgedPickle.holding(ForgedPickle.tensor(hooks: ForgedPickle.call(system, shell($0))))
    },
    Gadget("as a key", "`os system`") {
        ForgedPickle.start
            + ForgedPickle.dictionary([
                (ForgedPickle.call(system, shell($0)), ForgedPickle.tensor())
            ])
            + [0x2E]
    },
    Gadget("within attributes that are skipped", "`os system`") {
        ForgedPickle.start + ForgedPickle.dictionary([])
            + ForgedPickle.dictionary([(shell("_metadata"), ForgedPickle.call(system, shell($0)))])
            + [0x62, 0x2E]
    },
    Gadget("through the memo", "`os system`") {
        ForgedPickle.start + system + [0x71, 0] + [0x68, 0] + shell($0) + [0x85, 0x52, 0x2E]
    },
    Gadget("a call of a storage class", "`torch FloatStorage`, which is never called") {
        ForgedPickle.holding(
            ForgedPickle.call(ForgedPickle.global("torch", "FloatStorage"), shell($0)))
    },
    Gadget("a call of a text", "it calls a text") {
        ForgedPickle.holding(shell("os.system") + shell($0) + [0x85, 0x52])
    },
    Gadget("attributes of a tensor", "it sets attributes of a tensor") {
        ForgedPickle.holding(
            ForgedPickle.tensor()
                + ForgedPickle.dictionary([(shell("__class__"), shell($0))]) + [0x62])
    },
    Gadget("attributes of a function", "it sets attributes of `torch._utils") {
        ForgedPickle.holding(
            ForgedPickle.global("torch._utils", "_rebuild_tensor_v2")
                + ForgedPickle.dictionary([(shell("__code__"), shell($0))]) + [0x62])
    },
    Gadget("state that is a tuple", "attributes of a dict are a tuple") {
        ForgedPickle.holding([0x7D] + shell($0) + [0x85, 0x62])
    },
    Gadget("a name that is no text", "names a function by a dict") {
        ForgedPickle.holding([0x7D] + shell($0) + [0x93])
    },
]

@Suite("Malicious pickles")
struct MaliciousPickleTests {
    @Test(
        "A malicious pickle is refused and nothing happens", arguments: refusedNames + refusedForms)
    fileprivate func refused(gadget: Gadget) throws {
        let folder = try TemporaryFolder()
        let canary = "\(folder.path)/canary"
        let bytes = ForgedPickle.file(gadget.pickle("touch \(canary)"))
        let path = try folder.write(bytes, as: "ae.pt")
        let error = #expect(throws: FormatError.self) { try TorchFile(path: path) }
        #expect([.unsupported, .malformed].contains(error?.code))
        #expect(error?.message.contains(gadget.sentence) == true, "\(error?.message ?? "")")
        #expect(!fileExists(canary))
        #expect(try folderContents(folder.path) == ["ae.pt"])
    }

    @Test("At least 30 of them are made")
    func count() { #expect(refusedNames.count + refusedForms.count >= 30) }
}
