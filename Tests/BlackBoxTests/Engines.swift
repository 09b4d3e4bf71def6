import Foundation
import Testing

/// The engines that pmaputils(7) runs the programs on. `make check-engines` asks for the tests
/// that start them; they take minutes, and software that not every machine has.
enum Engine {
    /// Said of a test that is not run.
    static let comment: Comment =
        "run by make check-engines, where Slurm (slurm-wlm, munge) or Spark (pyspark, Java) is installed, and ss (iproute2)"

    /// ss tells what listens where.
    private static let isAskedFor =
        ProcessInfo.processInfo.environment["PMAPUTILS_ENGINES"] != nil && isInstalled("ss")

    static let hasSlurm =
        isAskedFor
        && ["munged", "slurmctld", "slurmd", "sbatch"].allSatisfy { name in
            isInstalled(name) || FileManager.default.isExecutableFile(atPath: "/usr/sbin/\(name)")
        }

    static let hasSpark = isAskedFor && isInstalled("spark-submit") && isInstalled("java")
}

/// A file of the project, by its path from the top.
func projectFile(_ path: String) -> String {
    URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().appendingPathComponent(path).path
}
