@_exported import Autoencoders
@_exported import EvalKit
@_exported import Evals
@_exported import Reports
@_exported import Runs
