import Autoencoders

/// A sentence about some autoencoders, after the name of the only one, or after how many there are
/// and the name of the first.
func sharedNote(_ sentence: String, on references: [AutoencoderReference]) -> String {
    guard let first = references.first else { return sentence }
    let name = "\(first.release)/\(first.id)"
    return references.count == 1
        ? "\(name): \(sentence)" : "\(references.count) autoencoders, first \(name): \(sentence)"
}
