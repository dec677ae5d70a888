"""Writes small files with the Python libraries; the tests compute the values that they hold.

    python make_fixtures.py
"""

import io
import os
import zipfile

import numpy as np
import torch
from safetensors.torch import save_file

HERE = os.path.dirname(os.path.abspath(__file__))
TYPES = ["<f2", "<f4", "<f8", "<i2", "<i4", "<i8", "|i1", "|u1", "|b1"]


def npy(array, version=None):
    data = io.BytesIO()
    np.lib.format.write_array(data, array, version=version)
    return data.getvalue()


def main():
    def path(name):
        return f"{HERE}/{name}"

    # Element i of every array is i, and bool is i % 2.
    count = torch.arange(6)
    types = dict(f32=torch.float32, bf16=torch.bfloat16, f16=torch.float16, f64=torch.float64, i64=torch.int64, i32=torch.int32, i16=torch.int16, i8=torch.int8, u8=torch.uint8)
    tensors = {name: count.to(kind).reshape(2, 3) for name, kind in types.items()}
    tensors |= {"bool": (count % 2).bool().reshape(3, 2), "scalar": torch.tensor(7.0), "empty": torch.zeros(0, 4)}
    save_file(tensors, path("python.safetensors"), metadata={"format": "pt", "né": "wert"})

    for kind in TYPES:
        values = np.arange(24) % 2 if kind == "|b1" else np.arange(24)
        array = values.astype(kind).reshape(2, 3, 4)
        name = kind[1:]
        open(path(f"{name}-c.npy"), "wb").write(npy(array))
        open(path(f"{name}-fortran.npy"), "wb").write(npy(np.asfortranarray(array)))
    open(path("version2.npy"), "wb").write(npy(np.arange(5, dtype="<f4"), (2, 0)))
    open(path("version3.npy"), "wb").write(npy(np.arange(5, dtype="<f4"), (3, 0)))
    open(path("scalar.npy"), "wb").write(npy(np.float64(2.5)))
    open(path("empty.npy"), "wb").write(npy(np.zeros((0, 3), "<f4")))
    open(path("big-endian.npy"), "wb").write(npy(np.arange(5, dtype=">f4")))
    open(path("fields.npy"), "wb").write(npy(np.zeros(2, [("a", "<f4"), ("b", "<i4")])))
    np.save(path("objects.npy"), np.array([None, "x"], dtype=object), allow_pickle=True)

    arrays = dict(W_enc=np.arange(12, dtype="<f4").reshape(3, 4), b_dec=np.arange(4, dtype="<f8"), threshold=np.asfortranarray(np.arange(6, dtype="<i4").reshape(2, 3)))
    np.savez(path("stored.npz"), **arrays)
    np.savez_compressed(path("deflated.npz"), **arrays)

    class Pipe(io.RawIOBase):
        """A file that cannot seek, so that zipfile writes data descriptors."""

        def __init__(self, file):
            self.file = file

        def writable(self):
            return True

        def write(self, data):
            return self.file.write(data)

    with open(path("descriptors.npz"), "wb") as file, zipfile.ZipFile(Pipe(file), "w", zipfile.ZIP_DEFLATED) as archive:
        for name, array in arrays.items():
            with archive.open(f"{name}.npy", "w", force_zip64=True) as member:
                member.write(npy(array))
        archive.writestr("notes.txt", "no array")
        archive.comment = b"a comment"

    # The limit lowered to one member, so that zipfile writes 64-bit records all over.
    limits = zipfile.ZIP64_LIMIT, zipfile.ZIP_FILECOUNT_LIMIT
    zipfile.ZIP64_LIMIT, zipfile.ZIP_FILECOUNT_LIMIT = 16, 1
    with zipfile.ZipFile(path("zip64.npz"), "w", zipfile.ZIP_DEFLATED) as archive:
        for name, array in arrays.items():
            archive.writestr(f"{name}.npy", npy(array))
    zipfile.ZIP64_LIMIT, zipfile.ZIP_FILECOUNT_LIMIT = limits


if __name__ == "__main__":
    main()
