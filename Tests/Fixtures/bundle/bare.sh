#!/bin/bash
# Runs a command where there is nothing but a bundle, glibc and a shell.
#
#   Tests/Fixtures/bundle/bare.sh BUNDLE FOLDER WORK COMMAND...
#
# Makes a root folder in memory, in a mount namespace of its own, with the shared libraries of glibc
# and of `sh`, the bundle (read-only, under /a bundle), FOLDER (read-only, where the command starts) and
# WORK, both under their own paths, and /proc and /dev. The command starts there with an empty
# environment, except that mpirun is allowed to run as root. No folder of this machine's /usr, /etc
# or /lib is to be seen.
#
# Exit code of the command; 77 when namespaces are not allowed here.
set -u
export PATH="$PATH:/usr/sbin:/sbin"

if [ "${1:-}" != --inside ]; then
    identity=()
    [ "$(id -u)" = 0 ] || identity=(--user --map-root-user)
    unshare "${identity[@]}" --mount true 2>/dev/null || { echo "skipped: no mount namespaces here"; exit 77; }
    exec unshare "${identity[@]}" --mount bash "$0" --inside "$@"
fi
shift
bundle=$1 folder=$2 work=$3
shift 3

root=$(mktemp -d)
trap 'umount -l "$root"; rmdir "$root"' EXIT
mount -t tmpfs -o mode=755 none "$root" || exit 77

shell=$(readlink -f "$(command -v sh)")
glibc='/(ld-linux|lib(c|m|mvec|pthread|dl|rt|util|resolv|anl)\.so)'
{
    ldd "$shell" | grep -oE '/[^ ]+'
    ldd "$bundle/libexec/saeval" | grep -oE '/[^ ]+' | grep -E "$glibc"
} | sort -u | while read -r library; do
    mkdir -p "$root$(dirname "$library")"
    cp -L "$library" "$root$library"
done
mkdir -p "$root/bin" "$root/proc" "$root/dev" "$root/a bundle" "$root$folder" "$root$work"
mkdir -p -m 1777 "$root/tmp"
cp "$shell" "$root/bin/sh"
# Open MPI's mpirun crashes when its user has no name.
mkdir "$root/etc" && echo "user:x:$(id -u):$(id -g)::/:/bin/sh" >"$root/etc/passwd"
bind_read_only() { mount --bind "$1" "$2" && mount -o remount,bind,ro "$2"; }
bind_read_only "$bundle" "$root/a bundle" || exit 77
bind_read_only "$folder" "$root$folder" || exit 77
mount --bind "$work" "$root$work" && mount --rbind /proc "$root/proc" && mount --rbind /dev "$root/dev" || exit 77

env -i OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1 \
    "$(command -v chroot)" "$root" /bin/sh -c 'cd "$0" && exec "$@"' "$folder" "$@"
