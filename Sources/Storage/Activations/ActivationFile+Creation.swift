import Basics
import CHDF5
import Glibc
import Tensors

extension ActivationFile {
    /// The name under which a file is written until it is complete.
    public static func partialPath(of path: String) -> String { path + ".partial" }

    /// Makes an empty activation file beside its final name. Rank 0 alone calls it; not collective.
    ///
    /// Everything but activations, checksums and done marks is written and flushed to disk here,
    /// serially, so that a killed run leaves a file that opens. The bytes are reserved, so a full
    /// disk shows now.
    ///
    /// - Parameters:
    /// - path: the final name; the file is made as `<path>.partial` and replaces one of that
    /// name.
    ///   - tokens: `[sequences, positions]`, row major.
    /// - Throws: ``StorageError`` with code `invalid`, `outOfSpace` or `unwritable`.
    public static func create(
        _ path: String, layout: ActivationLayout, tokens: [Int32], attributes: ActivationAttributes
    ) throws {
        try layout.validate(path)
        guard tokens.count == layout.rows else {
            throw StorageError(
                .invalid,
                "\(path) gets \(tokens.count) tokens for \(layout.sequences) x "
                    + "\(layout.positions) positions"
            )
        }
        try makeFolder(parentFolder(of: path))
        let partial = partialPath(of: path)
        do {
            try make(partial, layout: layout, tokens: tokens, attributes: attributes)
        } catch {
            unlink(partial)
            throw error
        }
        flushFolder(of: partial)
    }

    /// Makes the partial file under its own name.
    private static func make(
        _ partial: String, layout: ActivationLayout, tokens: [Int32],
        attributes: ActivationAttributes
    ) throws {
        let file = try OpenFile(partial, flags: O_RDWR | O_CREAT | O_TRUNC)
        try checkSpace(for: layout, at: partial)
        let tokenBytes = tokens.withUnsafeBytes { checksum(of: $0) }
        var header = ActivationHeader(
            path: partial, layout: layout, attributes: attributes, actsOffset: 0, tokensOffset: 0,
            checksumsOffset: 0, doneOffset: 0, tokensChecksum: tokenBytes)
        try HDF5.locked { try write(&header, tokens: tokens) }
        try file.reserve(byteCount: try file.byteCount())
        guard fsync(file.descriptor) == 0 else {
            throw StorageError.system(partial, "flushed to disk")
        }
        try ActivationSeal.write(to: file, data: header.data)
        guard fsync(file.descriptor) == 0 else {
            throw StorageError.system(partial, "flushed to disk")
        }
    }

    /// Checks that the disk has room for all data sets.
    private static func checkSpace(for layout: ActivationLayout, at path: String) throws {
        let needed = layout.byteCount + layout.rows * 4 + layout.blocks * 9 + (1 << 16)
        guard let free = freeBytes(at: path), free < needed else { return }
        throw StorageError(
            .outOfSpace, "\(path) needs \(needed) bytes and the disk has \(free) left",
            advice: "make room, name another folder for artifacts, or evaluate fewer tokens")
    }

    /// Writes the head and the tokens through HDF5 and notes the offsets of the data sets.
    private static func write(_ header: inout ActivationHeader, tokens: [Int32]) throws {
        let (path, layout) = (header.path, header.layout)
        let access = try HDF5.serialAccess(path)
        let creation = try HDF5Object(
            H5Pcreate(ch5_file_create()), "H5Pcreate", path, closer: H5Pclose)
        try HDF5.check(
            H5Pset_userblock(creation.id, hsize_t(ActivationSeal.pageBytes)), "H5Pset_userblock",
            path)
        let file = try HDF5Object(
            H5Fcreate(path, ch5_truncate(), creation.id, access.id), "H5Fcreate", path,
            closer: H5Fclose)
        let actsType = try HDF5.type(layout.type, path)
        let acts = try HDF5.makeDataSet(
            "acts", in: file.id, shape: [layout.rows, layout.modelSize], type: actsType,
            isCleared: false, path)
        let tokenType = try HDF5.type(.int32, path)
        let tokenSet = try HDF5.makeDataSet(
            "tokens", in: file.id, shape: [layout.sequences, layout.positions], type: tokenType,
            isCleared: false,
            path)
        let sums = try HDF5.makeDataSet(
            "checksums", in: file.id, shape: [layout.blocks], type: try HDF5.checksumType(path),
            isCleared: true,
            path)
        let done = try HDF5.makeDataSet(
            "done", in: file.id, shape: [layout.blocks], type: try HDF5.type(.uint8, path),
            isCleared: true, path)
        try HDF5.check(
            H5Dwrite(tokenSet.id, tokenType.id, ch5_all(), ch5_all(), ch5_default(), tokens),
            "H5Dwrite", path)
        guard let first = HDF5.offset(of: acts), let second = HDF5.offset(of: tokenSet),
            let third = HDF5.offset(of: sums), let fourth = HDF5.offset(of: done)
        else {
            throw StorageError(
                .hdf5, "\(path): HDF5 did not allocate the data sets when they were made")
        }
        (header.actsOffset, header.tokensOffset) = (first, second)
        (header.checksumsOffset, header.doneOffset) = (third, fourth)
        for (name, value) in header.texts {
            try HDF5.setAttribute(name.rawValue, to: value, of: file.id, path)
        }
        try HDF5.check(H5Fflush(file.id, H5F_SCOPE_GLOBAL), "H5Fflush", path)
    }
}
