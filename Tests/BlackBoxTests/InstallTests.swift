import Foundation
import Testing

private let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
    .appendingPathComponent("../..").standardizedFileURL.path

/// `make install` and `make uninstall`, in a folder of the test's own.
@Suite(.enabled(if: isInstalled("make"))) struct InstallTests {
    private func make(
        _ target: String, in folder: TemporaryFolder, _ settings: String = ""
    ) throws -> ShellResult {
        try shell(
            "make -s -C '\(root)' BIN='\(programFolder)' PREFIX='\(folder.path)/usr' \(settings) "
                + target, in: folder)
    }

    private func files(_ folder: TemporaryFolder) throws -> [String] {
        try shell("find . -type f | LC_ALL=C sort", in: folder).lines
    }

    /// The pages of a section 1 or 7 to which the installed pages refer.
    private func references(_ folder: TemporaryFolder) throws -> Set<String> {
        let lines = try shell("cat usr/share/man/man*/*", in: folder).lines
        return Set(
            lines.compactMap {
                $0.firstMatch(of: /^\.Xr ([a-z-]+) ([17])/).map { "\($0.1).\($0.2)" }
            })
    }

    @Test(arguments: ["", "m", "my-"]) func everyPageReferredToIsThere(prefix: String) throws {
        let folder = try TemporaryFolder()
        #expect(try make("install", in: folder, "PROGRAM_PREFIX=\(prefix)").status == 0)
        let installed = try files(folder)
        #expect(installed.count == 3 + 5 + 9)
        #expect(
            installed.allSatisfy {
                $0.split(separator: "/").last!.drop { $0 == "_" }.hasPrefix(prefix)
            })
        let others: Set = [
            "bash.1", "comm.1", "cargo.1", "awk.1", "dirname.1", "find.1", "grep.1", "iconv.1",
            "join.1",
            "less.1", "make.1", "nohup.1", "srun.1", "ssh.1", "stdbuf.1", "printf.1", "setsid.1",
            "sort.1", "tar.1", "tr.1", "uniq.1",
            "wc.1",
            "xargs.1", "zcat.1",
        ]
        let ours = try references(folder).subtracting(others)
        let pages = Set(
            installed.filter { $0.contains("/man/") }.map { String($0.split(separator: "/").last!) }
        )
        #expect(ours.isSubset(of: pages) && !ours.isEmpty, "\(ours.subtracting(pages))")
        #expect(try make("uninstall", in: folder, "PROGRAM_PREFIX=\(prefix)").status == 0)
        #expect(try files(folder) == [])
    }

    @Test func aProgramWithAPrefixUsesItsName() throws {
        let folder = try TemporaryFolder()
        #expect(try make("install", in: folder, "PROGRAM_PREFIX=m").status == 0)
        for program in Program.allCases {
            let name = "usr/bin/m\(program)"
            let help = try shell("\(name) --help", in: folder).lines
            #expect(help.first?.hasPrefix("Usage: m\(program) ") == true)
            #expect(help.last?.hasSuffix("More: man m\(program)") == true)
            #expect(
                try shell("\(name) -Z", in: folder).errors
                    == "m\(program): unknown option '-Z': try 'm\(program) --help'\n")
            let completion = try shell("cat usr/share/*/*/*m\(program)*", in: folder).text
            #expect(completion.contains("m\(program)"))
            let page = try shell("cat usr/share/man/man1/m\(program).1", in: folder).text
            #expect(page.contains("\n.Dt M\(program.rawValue.uppercased()) 1\n"))
            #expect(page.contains("\n.Nm m\(program)\n") && !page.contains(" \(program) "))
        }
        // Another name altogether is not used.
        let other = try shell("ln -s \"$(command -v wcreduce)\" other; ./other -Z", in: folder)
        #expect(other.errors.hasPrefix("wcreduce: "))
    }

    /// With /bin a link to /usr/bin, as most systems have it.
    @Test func aFolderWithTwoNamesIsNoClash() throws {
        let folder = try TemporaryFolder()
        try shell("mkdir -p usr/bin; ln -s usr/bin bin", in: folder)
        let path = "PATH='\(folder.path)/usr/bin:\(folder.path)/bin':\"$PATH\""
        let first = try make("install", in: folder, path)
        #expect(
            first.status == 0 && !first.errors.contains("\(folder.path)/bin/"), "\(first.errors)")
        // A second one, elsewhere on PATH, is.
        try shell("mkdir other; cp usr/bin/pmap other/", in: folder)
        let second = try make(
            "install", in: folder, "PATH='\(folder.path)/usr/bin:\(folder.path)/other':\"$PATH\"")
        #expect(
            second.status == 0 && second.errors.contains("\(folder.path)/other/pmap"),
            "\(second.errors)")
    }
}
