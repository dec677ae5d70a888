import Tensors

/// An index into the values of an ``Unpickler``; equal indices are one Python object.
typealias PickleReference = Int

/// What a pickle can hold here.
enum PickleValue {
    /// `None`.
    case none
    /// `True` or `False`.
    case truth(Bool)
    /// An integer.
    case integer(Int)
    /// A float.
    case number(Double)
    /// A text.
    case text(String)
    /// A tuple.
    case tuple([PickleReference])
    /// A list, which grows.
    case list([PickleReference])
    /// A dict or ordered dict, which grows; keys and values in the order written.
    case dictionary([(key: PickleReference, value: PickleReference)])
    /// A function or class that was only named.
    case global(PickleGlobal)
    /// The bytes of tensors.
    case storage(TorchStorage)
    /// A tensor.
    case tensor(TorchLayout)

    /// What a message calls the value.
    var noun: String {
        switch self {
        case .none: "None"
        case .truth: "a truth value"
        case .integer: "an integer"
        case .number: "a float"
        case .text: "a text"
        case .tuple: "a tuple"
        case .list: "a list"
        case .dictionary: "a dict"
        case .global(let global): "`\(global.name)`"
        case .storage: "a storage"
        case .tensor: "a tensor"
        }
    }
}

/// The functions and classes that a pickle may name; none of them is ever called.
///
/// - Source: what `torch.save` writes for dicts of tensors and plain Python values.
enum PickleGlobal: Equatable {
    /// `torch._utils._rebuild_tensor_v2`.
    case rebuildTensor
    /// `torch._utils._rebuild_tensor_v3`, which names the element type.
    case rebuildTypedTensor
    /// `torch._utils._rebuild_parameter`.
    case rebuildParameter
    /// `collections.OrderedDict`.
    case orderedDictionary
    /// A storage class; nil for bytes without a type.
    case storage(ElementType?)
    /// An element type.
    case type(ElementType)

    /// Finds a module and name in the list; nil when it is not there.
    init?(module: String, name: String) {
        switch (module, name) {
        case ("torch._utils", "_rebuild_tensor_v2"): self = .rebuildTensor
        case ("torch._utils", "_rebuild_tensor_v3"): self = .rebuildTypedTensor
        case ("torch._utils", "_rebuild_parameter"): self = .rebuildParameter
        case ("collections", "OrderedDict"): self = .orderedDictionary
        case ("torch.storage", "UntypedStorage"): self = .storage(nil)
        case ("torch", _):
            if let type = ElementType.allCases.first(where: { $0.torchStorage == name }) {
                self = .storage(type)
            } else if let type = ElementType.allCases.first(where: { $0.rawValue == name }) {
                self = .type(type)
            } else {
                return nil
            }
        default: return nil
        }
    }

    /// The name in messages.
    var name: String {
        switch self {
        case .rebuildTensor: "torch._utils _rebuild_tensor_v2"
        case .rebuildTypedTensor: "torch._utils _rebuild_tensor_v3"
        case .rebuildParameter: "torch._utils _rebuild_parameter"
        case .orderedDictionary: "collections OrderedDict"
        case .storage(let type?): "torch \(type.torchStorage)"
        case .storage(nil): "torch.storage UntypedStorage"
        case .type(let type): "torch \(type.rawValue)"
        }
    }
}

extension ElementType {
    /// The class of torch whose storages hold this type.
    var torchStorage: String {
        switch self {
        case .float64: "DoubleStorage"
        case .float32: "FloatStorage"
        case .float16: "HalfStorage"
        case .bfloat16: "BFloat16Storage"
        case .int64: "LongStorage"
        case .int32: "IntStorage"
        case .int16: "ShortStorage"
        case .int8: "CharStorage"
        case .uint8: "ByteStorage"
        case .bool: "BoolStorage"
        }
    }
}

/// The bytes that hold one or more tensors, as the pickle declares them.
struct TorchStorage: Equatable {
    /// The name of the archive's member below `data/`.
    var key: String
    /// The type of its elements; nil for bytes without a type.
    var type: ElementType?
    /// The number of its elements.
    var count: Int
}

/// Where the elements of a tensor are stored, as the pickle declares them.
struct TorchLayout {
    /// The bytes.
    var storage: TorchStorage
    /// The type of the elements.
    var type: ElementType
    /// The offset of the first element, in elements.
    var offset: Int
    /// Lengths and distances, in elements.
    var layout: StridedLayout
}
