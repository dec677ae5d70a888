/// The scripts with which users start what is in a bundle.
///
/// They need a POSIX shell and none of its usual companions, since a bundle may run where there is
/// little else.
enum BundleLaunchers {
    /// Each script with its path; all are executable.
    static let scripts: [(target: String, text: String)] = [
        ("saeval", saeval), ("mpirun", mpirun),
    ]

    /// Finds out where the script is, also through a symbolic link, and tells Open MPI and PMIx
    /// that this is where they are installed. A name without a slash is in the current folder: from
    /// `PATH` a script is started by its whole path.
    private static let start = #"""
        self=$0
        case $self in
        */*) ;;
        *) self=./$self ;;
        esac
        if [ -L "$self" ]; then self=$(readlink -f "$self"); fi
        here=$(CDPATH='' cd "${self%/*}/" && pwd) || exit 1
        case $here in
        *[:\;]*)
            echo "saeval: the loader takes no folder with : or ; in its name: $here. Try: move it." >&2
            exit 64
            ;;
        esac
        export SAEVAL_BUNDLE="$here" OPAL_PREFIX="$here" PMIX_INSTALL_PREFIX="$here"
        export PMIX_MCA_mca_base_component_path="$here/lib/pmix" HWLOC_PLUGINS_PATH="$here/lib/hwloc"
        # Not the machine's parameters: they are those of its own Open MPI.
        export OMPI_MCA_mca_base_param_files="$here/etc/openmpi-mca-params.conf"
        """#

    /// Starts the program.
    static let saeval = #"""
        #!/bin/sh
        # Starts saeval with the libraries of this folder, wherever the folder is. Libraries that are not
        # in it, such as those of CUDA, are looked for in LD_LIBRARY_PATH and where the machine has them.
        \#(start)
        export LD_LIBRARY_PATH="$here/lib/saeval:$here/lib${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}"
        # libcurl knows where the system of the build keeps certificates, and this may be another one.
        if [ -z "${SSL_CERT_FILE-}" ]; then
            for file in /etc/ssl/certs/ca-certificates.crt /etc/pki/tls/certs/ca-bundle.crt \
                /etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem /etc/ssl/ca-bundle.pem /etc/ssl/cert.pem; do
                if [ -r "$file" ]; then
                    export SSL_CERT_FILE="$file"
                    break
                fi
            done
        fi
        exec "$here/libexec/saeval" "$@"

        """#

    /// Starts ranks.
    static let mpirun = """
        #!/bin/sh
        # Starts ranks with the Open MPI of this folder: ./mpirun -n 4 --bind-to none ./saeval run CONFIG
        # Other hosts must see the folder under the same path.
        \(start)
        export LD_LIBRARY_PATH="$here/lib${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}" PATH="$here/bin${PATH:+:$PATH}"
        # Without a remote shell mpirun starts no ranks, even here, unless it is told to stay alone.
        if ! command -v ssh >/dev/null && ! command -v rsh >/dev/null; then
            if [ -z "${OMPI_MCA_plm-}${OMPI_MCA_plm_rsh_agent-}${SLURM_JOB_ID-}" ]; then
                export OMPI_MCA_plm=isolated
            fi
        fi
        exec "$here/bin/mpirun" "$@"

        """
}
