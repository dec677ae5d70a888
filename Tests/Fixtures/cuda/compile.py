#!/usr/bin/env python3
"""Compiles the kernels with NVRTC for sm_80, sm_90 and sm_100 and to PTX for compute_80.

    compile.py [--libraries FOLDER] [--ptxas FILE] [--sources FOLDER] [--output FOLDER]

Puts common.cu in front of the other .cu files in alphabetical order, as the program does, and needs
neither a GPU nor a driver. NVRTC comes from `pip install nvidia-cuda-nvrtc-cu12`; it is looked for
in --libraries, in SAEVAL_CUDA_LIBRARIES and in site-packages/nvidia/*/lib. With ptxas, from
`pip install nvidia-cuda-nvcc-cu12` or the PATH, the PTX is also assembled and a table of registers,
shared memory, stack and spills of every kernel printed. Any error, warning or spill makes the exit
status 1; a missing NVRTC makes it 77.
"""

import argparse
import ctypes
import glob
import os
import re
import shutil
import site
import subprocess
import sys
import tempfile
import time

ARCHITECTURES = ["sm_80", "sm_90", "sm_100"]
OPTIONS = ["--std=c++17", "-default-device"]


def folders(argument):
    """Folders that may hold the libraries, most wanted first."""
    wanted = [argument] if argument else []
    wanted += [path for path in os.environ.get("SAEVAL_CUDA_LIBRARIES", "").split(":") if path]
    for base in site.getsitepackages() + [site.getusersitepackages()] + sys.path:
        wanted += sorted(glob.glob(os.path.join(base, "nvidia", "*", "lib")))
    return wanted


def nvrtc(argument):
    """The library, or None."""
    for folder in folders(argument):
        for name in sorted(glob.glob(os.path.join(folder, "libnvrtc.so.1*")), reverse=True):
            return ctypes.CDLL(name)
    return None


def source(folder):
    """The one translation unit of all kernels."""
    names = sorted(os.path.basename(path) for path in glob.glob(os.path.join(folder, "*.cu")))
    names.sort(key=lambda name: name != "common.cu")
    text = ""
    for name in names:
        with open(os.path.join(folder, name), encoding="utf-8") as file:
            text += f'#line 1 "{name}"\n' + file.read()
    return text


def compile(library, text, options, kind):
    """The log and the code, which is None on an error; `kind` is CUBIN or PTX."""
    program, size = ctypes.c_void_p(), ctypes.c_size_t()
    library.nvrtcCreateProgram(
        ctypes.byref(program), text.encode(), b"kernels.cu", 0, None, None)
    values = (ctypes.c_char_p * len(options))(*[option.encode() for option in options])
    status = library.nvrtcCompileProgram(program, len(options), values)
    library.nvrtcGetProgramLogSize(program, ctypes.byref(size))
    log = ctypes.create_string_buffer(size.value)
    library.nvrtcGetProgramLog(program, log)
    code = None
    if status == 0:
        getattr(library, f"nvrtcGet{kind}Size")(program, ctypes.byref(size))
        buffer = ctypes.create_string_buffer(size.value)
        getattr(library, f"nvrtcGet{kind}")(program, buffer)
        code = buffer.raw
    library.nvrtcDestroyProgram(ctypes.byref(program))
    return log.value.decode().strip(), code


def assembler(argument):
    """The path of ptxas, or None."""
    if argument:
        return argument
    for base in site.getsitepackages() + [site.getusersitepackages()] + sys.path:
        for path in glob.glob(os.path.join(base, "nvidia", "*", "bin", "ptxas")):
            return path
    return shutil.which("ptxas")


def resources(ptxas, ptx, architecture):
    """Rows (kernel, registers, shared bytes, stack bytes, spilled bytes) of the assembled PTX."""
    with tempfile.NamedTemporaryFile(suffix=".ptx") as file:
        file.write(ptx.rstrip(b"\0"))
        file.flush()
        run = subprocess.run(
            [ptxas, "-v", f"-arch={architecture}", "-o", os.devnull, file.name],
            capture_output=True, text=True, check=False)
    if run.returncode != 0:
        raise SystemExit(run.stderr)
    rows, name, stack, spill = [], "", 0, 0
    for line in run.stderr.splitlines():
        if match := re.search(r"Compiling entry function '(\w+)'", line):
            name, stack, spill = match[1], 0, 0
        elif match := re.search(r"(\d+) bytes stack frame, (\d+) bytes spill stores", line):
            stack, spill = int(match[1]), int(match[2])
        elif match := re.search(r"Used (\d+) registers", line):
            shared = re.search(r"(\d+) bytes smem", line)
            rows.append((name, int(match[1]), int(shared[1]) if shared else 0, stack, spill))
    return rows


def main():
    """Compiles for every target; the exit status."""
    here = os.path.dirname(os.path.abspath(__file__))
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--libraries", help="folder of libnvrtc")
    parser.add_argument("--ptxas", help="path of ptxas")
    parser.add_argument("--sources", default=os.path.join(here, "../../../Sources/Kernels/CUDA"))
    parser.add_argument("--output", help="folder for the cubins and the PTX")
    arguments = parser.parse_args()
    library = nvrtc(arguments.libraries)
    if library is None:
        print("No libnvrtc; pip install nvidia-cuda-nvrtc-cu12 or name its folder by --libraries")
        return 77
    text, failed, ptx = source(arguments.sources), False, None
    for target in ARCHITECTURES + ["compute_80"]:
        kind = "PTX" if target.startswith("compute") else "CUBIN"
        start = time.time()
        log, code = compile(library, text, [f"--gpu-architecture={target}"] + OPTIONS, kind)
        if log:
            print(log)
        failed |= bool(log) or code is None
        size = f"{len(code)} bytes of {kind}" if code else "failed"
        print(f"{target}: {time.time() - start:.1f} s, {size}")
        ptx = code if kind == "PTX" else ptx
        if code and arguments.output:
            name = f"kernels.{target}.{kind.lower()}"
            with open(os.path.join(arguments.output, name), "wb") as file:
                file.write(code.rstrip(b"\0") if kind == "PTX" else code)
    ptxas = assembler(arguments.ptxas)
    if ptxas is None:
        print("No ptxas; registers and spills are not shown")
    elif ptx:
        for architecture in ARCHITECTURES:
            print(f"{architecture}: {'kernel':22} registers  shared  stack  spilled")
            for name, registers, shared, stack, spill in resources(ptxas, ptx, architecture):
                failed |= spill > 0
                print(f"{'':8}{name:22} {registers:9} {shared:7} {stack:6} {spill:8}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
