/// The program's version, written into results.
public let programVersion = "0.1.0"
