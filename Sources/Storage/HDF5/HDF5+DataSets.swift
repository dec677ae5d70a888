import Basics
import CHDF5
import Tensors

/// Attributes and data sets of one file; every call here needs ``HDF5/locked(_:)`` around it.
extension HDF5 {
    /// Longest attribute text in bytes.
    static let longestAttributeBytes = 8192

    /// The text of an attribute of the root group; nil when there is none.
    ///
    /// - Throws: ``StorageError`` when it is not one fixed-length string of bounded length and
    ///   valid UTF-8.
    static func attribute(_ name: String, of file: hid_t, _ path: String) throws -> String? {
        guard H5Aexists(file, name) > 0 else { return nil }
        let attribute = try HDF5Object(
            H5Aopen(file, name, ch5_default()), "H5Aopen", path, closer: H5Aclose)
        let type = try HDF5Object(H5Aget_type(attribute.id), "H5Aget_type", path, closer: H5Tclose)
        let space = try HDF5Object(
            H5Aget_space(attribute.id), "H5Aget_space", path, closer: H5Sclose)
        let byteCount = H5Tget_size(type.id)
        guard H5Tget_class(type.id) == H5T_STRING, H5Tis_variable_str(type.id) == 0,
            H5Sget_simple_extent_npoints(space.id) == 1, byteCount > 0,
            byteCount <= longestAttributeBytes
        else {
            throw StorageError(
                .damaged,
                "Attribute `\(name)` of \(path) is not one text of at most "
                    + "\(longestAttributeBytes) bytes",
                advice: "remove the file and run again")
        }
        var bytes = [UInt8](repeating: 0, count: byteCount)
        try check(H5Aread(attribute.id, type.id, &bytes), "H5Aread", path)
        guard let text = String(validating: bytes.prefix { $0 != 0 }, as: UTF8.self) else {
            throw StorageError(
                .damaged, "Attribute `\(name)` of \(path) is not UTF-8",
                advice: "remove the file and run again")
        }
        return text
    }

    /// Writes one text as an attribute of the root group.
    static func setAttribute(_ name: String, to value: String, of file: hid_t, _ path: String)
        throws
    {
        var bytes = Array(value.utf8)
        guard bytes.count <= longestAttributeBytes, !bytes.contains(0) else {
            throw StorageError(
                .invalid,
                "Attribute `\(name)` of \(path) has \(bytes.count) bytes or a zero byte; "
                    + "the limit is \(longestAttributeBytes)",
                advice: "use a shorter name")
        }
        if bytes.isEmpty { bytes = [0] }
        let type = try HDF5Object(ch5_string(bytes.count), "H5Tcopy", path, closer: H5Tclose)
        let space = try HDF5Object(H5Screate(H5S_SCALAR), "H5Screate", path, closer: H5Sclose)
        let attribute = try HDF5Object(
            H5Acreate2(file, name, type.id, space.id, ch5_default(), ch5_default()), "H5Acreate",
            path,
            closer: H5Aclose)
        try check(H5Awrite(attribute.id, type.id, bytes), "H5Awrite", path)
    }

    /// The stored type of an element.
    static func type(_ type: ElementType, _ path: String) throws -> HDF5Object {
        let id =
            switch type {
            case .float32: ch5_float32()
            case .float16: ch5_float16()
            case .bfloat16: ch5_bfloat16()
            case .int32: ch5_int32()
            case .uint8: ch5_uint8()
            case .float64, .int64, .int16, .int8, .bool: hid_t(-1)
            }
        return try HDF5Object(id, "H5Tcopy", path, closer: H5Tclose)
    }

    /// The stored type of a checksum.
    static func checksumType(_ path: String) throws -> HDF5Object {
        try HDF5Object(ch5_uint64(), "H5Tcopy", path, closer: H5Tclose)
    }

    /// Makes a contiguous data set whose bytes exist from now on, and gives its first byte in the
    /// file.
    ///
    /// - Parameter isCleared: whether it begins as zeros; otherwise nothing is written.
    static func makeDataSet(
        _ name: String, in file: hid_t, shape: [Int], type: borrowing HDF5Object, isCleared: Bool,
        _ path: String
    ) throws -> HDF5Object {
        let lengths = shape.map(hsize_t.init)
        let space = try HDF5Object(
            H5Screate_simple(Int32(lengths.count), lengths, nil), "H5Screate_simple", path,
            closer: H5Sclose)
        let creation = try HDF5Object(
            H5Pcreate(ch5_dataset_create()), "H5Pcreate", path, closer: H5Pclose)
        try check(H5Pset_layout(creation.id, H5D_CONTIGUOUS), "H5Pset_layout", path)
        try check(H5Pset_alloc_time(creation.id, H5D_ALLOC_TIME_EARLY), "H5Pset_alloc_time", path)
        let fill = isCleared ? H5D_FILL_TIME_ALLOC : H5D_FILL_TIME_NEVER
        try check(H5Pset_fill_time(creation.id, fill), "H5Pset_fill_time", path)
        // Equal content gives equal bytes, so no time of day goes in.
        try check(H5Pset_obj_track_times(creation.id, false), "H5Pset_obj_track_times", path)
        return try HDF5Object(
            H5Dcreate2(file, name, type.id, space.id, ch5_default(), creation.id, ch5_default()),
            "H5Dcreate",
            path, closer: H5Dclose)
    }

    /// The first byte of an open data set in its file.
    static func offset(of dataSet: borrowing HDF5Object) -> Int? {
        Int(exactly: H5Dget_offset(dataSet.id))
    }

    /// Checks the type and shape of a data set and that it is inside the file; gives the offset
    /// of its first byte.
    static func offset(
        of name: String, in file: hid_t, shape: [Int], type: borrowing HDF5Object, fileBytes: Int,
        _ path: String
    ) throws -> Int {
        let dataSet = try HDF5Object(
            H5Dopen2(file, name, ch5_default()), "H5Dopen", path, closer: H5Dclose)
        let stored = try HDF5Object(H5Dget_type(dataSet.id), "H5Dget_type", path, closer: H5Tclose)
        let space = try HDF5Object(H5Dget_space(dataSet.id), "H5Dget_space", path, closer: H5Sclose)
        let axes = H5Sget_simple_extent_ndims(space.id)
        var lengths = [hsize_t](repeating: 0, count: shape.count)
        if axes == Int32(shape.count) { H5Sget_simple_extent_dims(space.id, &lengths, nil) }
        guard lengths == shape.map(hsize_t.init), H5Tequal(stored.id, type.id) > 0 else {
            throw StorageError(
                .damaged,
                "Data set `\(name)` of \(path) is not \(shape) of the type its attributes say",
                advice: "remove the file and run again")
        }
        let byteCount = shape.reduce(H5Tget_size(type.id), *)
        guard let first = offset(of: dataSet), first > 0, byteCount <= fileBytes,
            first <= fileBytes - byteCount
        else {
            throw StorageError(
                .damaged,
                "Data set `\(name)` of \(path) needs \(byteCount) bytes, "
                    + "which are not within the \(fileBytes) "
                    + "of the file",
                advice: "the file was cut short; remove it and run again")
        }
        return first
    }
}
