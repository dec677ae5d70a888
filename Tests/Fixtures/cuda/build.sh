#!/usr/bin/env bash
# Builds the emulated libcuda.so.1, libcublas.so.12 and libnvrtc.so.12.
#
#   build.sh FOLDER            the three libraries
#   build.sh FOLDER variants   and crippled ones for tests of the loader, each in a folder below
#   build.sh selftest          builds with kernels of the emulator's own and tests it
#
# SAEVAL_KERNELS  the folder of the kernels (Sources/Kernels/CUDA of this tree)
# CXX             the compiler (clang++, or else g++)
# SANITIZE        checks put into the kernels that end the process, such as alignment,bounds
# CUDA_INCLUDE    a folder with NVIDIA's cuda.h, to be compiled against
#
# Exits with 77 where there is no compiler.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
[ $# -ge 1 ] || { sed -n '2,13s/^# \{0,1\}//p' "${BASH_SOURCE[0]}"; exit 64; }

compiler=${CXX:-$(command -v clang++ || command -v g++ || true)}
[ -n "$compiler" ] || { echo "no clang++ and no g++: the CUDA emulator is not built" >&2; exit 77; }

if [ "$1" = selftest ]; then
    folder=$(mktemp -d)
    trap 'rm -rf "$folder"' EXIT
    kernels=$here/selftest
else
    mkdir -p "$1"
    folder=$(cd "$1" && pwd)
    kernels=${SAEVAL_KERNELS:-$(cd "$here/../../.." && pwd)/Sources/Kernels/CUDA}
fi
[ -f "$kernels/common.cu" ] || { echo "no kernels: $kernels/common.cu is missing" >&2; exit 66; }
objects=$folder/objects
mkdir -p "$objects"

flags=(-std=c++17 -fPIC -fvisibility=hidden -pthread -I "$here" -Wall -Wextra)
# Kernels: no contraction, or sums that the device rounds twice would be rounded once.
kernel_flags=(-DSAEVAL_EMULATOR -O2 -ffp-contract=off -fno-strict-aliasing -Wno-unknown-pragmas
    -Wno-unused-function -Wno-unused-variable -Wno-unused-parameter -Wno-unused-but-set-variable
    -Wno-sign-compare -Wno-unneeded-internal-declaration)
grep -qw fma /proc/cpuinfo 2>/dev/null && kernel_flags+=(-mfma -mavx2 -mf16c -mpopcnt)
[ -z "${CUDA_INCLUDE:-}" ] || flags+=(-DSAEVAL_REAL_HEADERS -isystem "$CUDA_INCLUDE")
[ -z "${SANITIZE:-}" ] || kernel_flags+=("-fsanitize=$SANITIZE" -fsanitize-undefined-trap-on-error)

# All kernels as one source, common.cu first, and the table of their names.
{
    echo '#include "host.h"'
    echo 'namespace {'
    for file in "$kernels/common.cu" "$kernels"/*.cu; do
        [ "$file" = "$kernels/common.cu" ] && [ -n "${common:-}" ] && continue
        common=done
        echo "#line 1 \"$(basename "$file")\""
        cat "$file"
        echo
    done
    echo '}  // namespace'
} > "$objects/kernels.cpp"
"$compiler" "${flags[@]}" "${kernel_flags[@]}" -DSAEVAL_EMULATOR_LIST -E "$objects/kernels.cpp" |
    tr '\n' ' ' | grep -oE 'saeval_emulator_kernel +void +[A-Za-z_][A-Za-z0-9_]* *\(' |
    sed -E 's/.*void +//; s/ *\($//' | sort -u > "$objects/names"
[ -s "$objects/names" ] || { echo "no kernels found in $kernels" >&2; exit 65; }
{
    echo '#line 1 "table"'
    echo 'namespace emulator {'
    echo 'extern const Kernel kernels[];'
    echo 'extern const int kernelCount;'
    echo 'const Kernel kernels[] = {'
    sed -E 's/(.*)/    Unpacker<\&::\1>::kernel("\1"),/' "$objects/names"
    echo '};'
    echo "const int kernelCount = $(wc -l < "$objects/names");"
    echo '}  // namespace emulator'
} >> "$objects/kernels.cpp"

compile() { # NAME FLAGS...
    local name=$1
    shift
    "$compiler" "${flags[@]}" "$@" -c "$here/$name.cpp" -o "$objects/$name.o"
}
"$compiler" "${flags[@]}" "${kernel_flags[@]}" -c "$objects/kernels.cpp" -o "$objects/kernels.o"
for name in fibers driver modules streams memory variant; do compile $name -O2; done
compile nvrtc -O1 -fvisibility=default
compile cublas -fvisibility=default -O3 -ffp-contract=fast -fno-math-errno

link() { # OUTPUT SHOWN-SYMBOLS HIDDEN-SYMBOLS OBJECTS AND FLAGS...
    local output=$1 soname
    soname=$(basename "$1")
    # cuBLAS asks for the driver by its name and must not get a variant that was opened before.
    [ "$(dirname "$1")" = "$folder" ] || soname=$(basename "$(dirname "$1")")-$soname
    echo "{ global: $2; local: $3 *; };" > "$objects/$soname.map"
    shift 3
    "$compiler" -shared -pthread "-Wl,-soname,$soname" \
        "-Wl,--version-script,$objects/$soname.map" -o "$output" "$@"
}
driver_symbols='cu*; saevalEmulatorEnqueue; saevalEmulatorOwns'
driver=("$objects"/{kernels,fibers,driver,modules,streams,memory}.o)
link "$folder/libcuda.so.1" "$driver_symbols" '' "${driver[@]}" "$objects/variant.o"
link "$folder/libcublas.so.12" 'cublas*' '' "$objects/cublas.o" "$folder/libcuda.so.1" \
    '-Wl,-rpath,$ORIGIN'
link "$folder/libnvrtc.so.12" 'nvrtc*' '' "$objects/nvrtc.o"

# Links the folder's own libraries into the folder of a variant.
share() { # VARIANT LIBRARIES...
    local variant=$1 library
    shift
    mkdir -p "$folder/$variant"
    for library in "$@"; do ln -sf "../$library" "$folder/$variant/$library"; done
}

# A driver with another version or another answer of cuInit.
changed() { # VARIANT DEFINITION
    share "$1" libcublas.so.12 libnvrtc.so.12
    compile variant "$2"
    link "$folder/$1/libcuda.so.1" "$driver_symbols" '' "${driver[@]}" "$objects/variant.o"
}

if [ "${2:-}" = variants ]; then
    share no-cublas libcuda.so.1
    share no-nvrtc libcuda.so.1 libcublas.so.12
    share missing-symbol libcublas.so.12 libnvrtc.so.12
    link "$folder/missing-symbol/libcuda.so.1" "$driver_symbols" "cuLaunchKernel;" \
        "${driver[@]}" "$objects/variant.o"
    changed old-driver -DSAEVAL_EMULATOR_VERSION=11000
    changed no-device -DSAEVAL_EMULATOR_INITIALISATION=100
fi

if [ "$1" = selftest ]; then
    "$compiler" -std=c++17 -O1 -I "$here" -pthread "$here/selftest.cpp" -o "$folder/selftest" \
        "$folder/libcublas.so.12" "$folder/libnvrtc.so.12" "$folder/libcuda.so.1" \
        "-Wl,-rpath,$folder"
    "$folder/selftest"
fi
