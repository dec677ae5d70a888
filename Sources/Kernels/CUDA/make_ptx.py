#!/usr/bin/env python3
"""Makes kernels.ptx, the portable form of the kernels that is part of the program.

    python3 make_ptx.py [FOLDER_OF_LIBNVRTC]

Needs NVRTC 12, an old one (`pip install nvidia-cuda-nvrtc-cu12==12.1.105`): a driver compiles PTX of
its own CUDA version and older ones. The first line holds a hash of the source, by which a test sees that the file is old.
"""
import ctypes
import glob
import os
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
ARCHITECTURE = "compute_80"


def library():
    """The NVRTC of a folder, of Python's packages, or of the system."""
    folders = sys.argv[1:] + [
        folder for path in sys.path for folder in glob.glob(f"{path}/nvidia/cuda_nvrtc/lib")
    ]
    for candidate in [f"{folder}/libnvrtc.so.12" for folder in folders] + ["libnvrtc.so.12"]:
        try:
            return ctypes.CDLL(candidate)
        except OSError:
            continue
    sys.exit("there is no libnvrtc.so.12; try: pip install nvidia-cuda-nvrtc-cu12")


def source():
    """All kernels as one program, as `KernelImage.source` joins them."""
    names = sorted(name for name in os.listdir(HERE) if name.endswith(".cu"))
    names.remove("common.cu")
    parts = []
    for name in ["common.cu"] + names:
        with open(os.path.join(HERE, name), "rb") as file:
            parts.append(file.read())
    return b"".join(parts)


def compiled(text):
    """The PTX of a program."""
    nvrtc = library()
    program = ctypes.c_void_p()
    nvrtc.nvrtcCreateProgram(ctypes.byref(program), text, b"saeval.cu", 0, None, None)
    options = [f"--gpu-architecture={ARCHITECTURE}".encode(), b"--std=c++17", b"-default-device"]
    status = nvrtc.nvrtcCompileProgram(
        program, len(options), (ctypes.c_char_p * len(options))(*options))
    size = ctypes.c_size_t()
    nvrtc.nvrtcGetProgramLogSize(program, ctypes.byref(size))
    log = ctypes.create_string_buffer(size.value + 1)
    nvrtc.nvrtcGetProgramLog(program, log)
    if status != 0:
        sys.exit(log.value.decode())
    nvrtc.nvrtcGetPTXSize(program, ctypes.byref(size))
    ptx = ctypes.create_string_buffer(size.value)
    nvrtc.nvrtcGetPTX(program, ptx)
    return ptx.raw.rstrip(b"\0")


def fnv1a(data):
    """The 64-bit FNV-1a hash of some bytes."""
    value = 0xCBF29CE484222325
    for byte in data:
        value = (value ^ byte) * 0x100000001B3 & 0xFFFFFFFFFFFFFFFF
    return value


def main():
    text = source()
    ptx = compiled(text)
    with open(os.path.join(HERE, "kernels.ptx"), "wb") as file:
        file.write(f"// source {fnv1a(text):016x}\n".encode() + ptx)
    print(f"{len(ptx)} bytes of PTX for {ARCHITECTURE}")


main()
