import Foundation
import Testing

/// The engines that pmaputils(7) runs the programs on. `make check-engines` asks for the tests
/// that start them; they take minutes, and software that not every machine has.
enum Engine {
    /// Said of a test that is not run.
    static let comment: Comment =
        """
        run by make check-engines, where ss (iproute2) is installed, and Slurm (slurm-wlm, munge, \
        libnss-wrapper) or Spark (pyspark, Java)
        """

    /// ss tells what listens where.
    private static let isAskedFor =
        ProcessInfo.processInfo.environment["PMAPUTILS_ENGINES"] != nil && isInstalled("ss")

    static let hasSlurm =
        isAskedFor
        && ["munged", "slurmctld", "slurmd", "sbatch"].allSatisfy { name in
            isInstalled(name) || FileManager.default.isExecutableFile(atPath: "/usr/sbin/\(name)")
        } && hasLibrary("libnss_wrapper.so")

    static let hasSpark = isAskedFor && isInstalled("spark-submit") && isInstalled("java")
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
