import Basics
import Tokenizers
public func textFiles(of request: TextRequest, at path: String) throws -> [String] { [] }
public func datasetNames(of request: TextRequest) -> [String] { [request.dataset] }
public func textRows(_ request: TextRequest, at path: String, tokenizer: Tokenizer, threads: Int) throws -> TextRows { fatalError() }
extension TextRows {
    public init(reading path: String, key: ContentHash) throws { fatalError() }
    public func write(to path: String, key: ContentHash) throws { fatalError() }
}
