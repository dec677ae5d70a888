"""Writes small torch files; the tests compute the values that they hold.

    python make_fixtures.py
"""

import os
import pickle
import zipfile

import torch

HERE = os.path.dirname(os.path.abspath(__file__))
TYPES = ["float64", "float32", "float16", "bfloat16", "int64", "int32", "int16", "int8", "uint8", "bool"]


def path(name):
    return f"{HERE}/{name}.pt"


def rewrite(source, target, change):
    """Copies an archive member by member, each through a function of name and bytes."""
    with zipfile.ZipFile(path(source)) as old, zipfile.ZipFile(path(target), "w") as new:
        for name in old.namelist():
            data = change(name, old.read(name))
            if data is not None:
                new.writestr(zipfile.ZipInfo(name), data)


def main():
    # Element i in row-major order is i, and bool is i % 2.
    values = torch.arange(12.0).reshape(3, 4)
    torch.save({name: (values % 2 if name == "bool" else values).to(getattr(torch, name)) for name in TYPES}, path("types"))

    module = torch.nn.Sequential(torch.nn.Linear(4, 3), torch.nn.Linear(3, 4))
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.copy_(torch.arange(float(parameter.numel())).reshape(parameter.shape))
    torch.save(module.state_dict(), path("module"))
    torch.save(dict(module.named_parameters()), path("parameters"))

    # The same matrix under many layouts, and pieces of one storage.
    base = torch.arange(24.0)
    cube = base.reshape(2, 3, 4)
    torch.save({
        "plain": values, "transposed": values.T.contiguous().T, "half": values.half().T.contiguous().T,
        "bytes": values.to(torch.uint8).T.contiguous().T, "double": values.double().T.contiguous().T,
        "tail": base[12:], "every second": base[1::2], "middle": base.reshape(4, 6)[1:3, 2:5],
        "permuted": cube.permute(2, 0, 1), "swapped": cube.permute(1, 0, 2), "row": cube[1, 2], "one": cube[1, 2, 3],
        "expanded": torch.tensor([7.0]).expand(3, 4), "rows": torch.arange(4.0).expand(3, 4),
        "empty": torch.zeros(0, 4), "scalar": torch.tensor(2.5), "tall": torch.arange(37.0 * 41).reshape(37, 41).T,
    }, path("layouts"))

    torch.save({
        "step": 7, "big": 2**40, "negative": -(2**40), "small": -3, "byte": 200, "word": 60000, "zero": 0,
        "rate": 0.5, "on": True, "off": False, "nothing": None, "name": "tøpk", "type": torch.bfloat16,
        "ae": {"encoder": {"weight": values, "k": torch.tensor(5, dtype=torch.int32)}, "list": [1, (values, "two")]},
        3: {0: values},
    }, path("nested"))

    torch.save({"weight": values, "name": "x" * 300}, path("protocol4"), pickle_protocol=4)
    torch.serialization.set_crc32_options(False)
    torch.save({"weight": values}, path("unchecked"))
    torch.serialization.set_crc32_options(True)

    # Three kinds of members are enough, and older releases wrote no more than that.
    rewrite("parameters", "bare", lambda name, data: data if name.endswith(("data.pkl", "version")) or "/data/" in name else None)

    # Files that are refused.
    torch.save({"weight": values}, path("legacy"), _use_new_zipfile_serialization=False)
    with open(path("pickle"), "wb") as file:
        pickle.dump({"weight": [1.0]}, file, protocol=2)
    torch.jit.save(torch.jit.script(module), path("script"))
    rewrite("parameters", "big-endian", lambda name, data: b"big" if name.endswith("byteorder") else data)
    torch.save(values, path("tensor"))
    torch.save({"module": module}, path("class"))
    torch.save({"sparse": values.to_sparse()}, path("sparse"))


if __name__ == "__main__":
    torch.manual_seed(0)
    main()
