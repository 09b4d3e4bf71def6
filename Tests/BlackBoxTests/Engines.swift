import Foundation
import Testing

/// The engines that pmaputils(7) runs the programs on. `make check-engines` asks for the tests
/// that start them; they take minutes, and software that not every machine has.
enum Engine {
    /// Said of a test that is not run.
    static let comment: Comment =
        """
        run by make check-engines, where ss (iproute2) is installed, and Slurm (slurm-wlm, munge, \
        libnss-wrapper), Spark (pyspark, Java) or SSH (openssh-server, and for root /run/sshd)
        """

    /// ss tells what listens where.
    private static let isAskedFor =
        ProcessInfo.processInfo.environment["PMAPUTILS_ENGINES"] != nil && isInstalled("ss")

    static let hasSlurm =
        isAskedFor
        && ["munged", "slurmctld", "slurmd", "sbatch"].allSatisfy(isInstalledForRoot)
        && hasLibrary("libnss_wrapper.so")

    /// A server that root starts needs a folder that its package makes when the machine starts.
    static let hasSSH =
        isAskedFor && ["ssh", "ssh-keygen", "sshd"].allSatisfy(isInstalledForRoot)
        && (getuid() != 0 || FileManager.default.fileExists(atPath: "/run/sshd"))

    static let hasSpark = isAskedFor && isInstalled("spark-submit") && isInstalled("java")
}

/// Whether a program is on PATH or where programs are that only root needs.
private func isInstalledForRoot(_ name: String) -> Bool {
    isInstalled(name) || FileManager.default.isExecutableFile(atPath: "/usr/sbin/\(name)")
}

/// Whether a library is where the loader looks for it: in /usr/lib or in its folder for a kind
/// of machine.
private func hasLibrary(_ name: String) -> Bool {
    let folders = (try? FileManager.default.contentsOfDirectory(atPath: "/usr/lib")) ?? []
    return (folders + ["."]).contains { folder in
        FileManager.default.fileExists(atPath: "/usr/lib/\(folder)/\(name)")
    }
}

/// A file of the project, by its path from the top.
func projectFile(_ path: String) -> String {
    URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().appendingPathComponent(path).path
}
