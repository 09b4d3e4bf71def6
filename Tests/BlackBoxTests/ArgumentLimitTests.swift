import Foundation
import Testing

/// What pmap(1) says in "Limits", at the limits themselves: at one, one below and one above.
@Suite struct ArgumentLimitTests {
    /// Of a single argument the kernel takes 131,071 bytes, as asked by another program.
    @Test(arguments: [131_070, 131_071, 131_072])
    func anArgumentIsRefusedWhereTheKernelWouldRefuseIt(_ length: Int) throws {
        let result = try shell(
            """
            head -c \(length) /dev/zero | tr '\\0' x >item
            (/bin/true "$(cat item)") 2>/dev/null; theirs=$?
            pmap -a item printf %s >out; ours=$?
            [ $theirs = 0 ] && cmp out item; [ -s out ] || echo none; echo $theirs $ours
            """)
        #expect(result.text == (length < 131_072 ? "0 0\n" : "none\n126 1\n"))
        #expect(result.errors.isEmpty == (length < 131_072))
    }

    /// 128 KiB for the bytes of path, arguments and environment, their NULs and pointers.
    @Test(.enabled(if: isInstalled("bash")))
    func theKernelCountsAsDocumented() throws {
        // /bin/true twice, with its NULs and one pointer, leaves this for another argument.
        let longest = 131_072 - 10 - (10 + 8) - (1 + 8)
        for length in [longest - 1, longest, longest + 1] {
            let result = try shell(
                """
                head -c \(length) /dev/zero | tr "\\0" x >argument
                bash -c 'ulimit -s 512; exec -c /bin/true "$(cat argument)"'
                """)
            #expect(result.status == (length > longest ? 126 : 0), "\(length)")
        }
    }

    /// pmap leaves 16 KiB free, and what its own two variables may take.
    @Test func aCommandLineIsFilledToWhatIsLeftFreeAndNoFurther() throws {
        let folder = try TemporaryFolder()
        let room = 131_072 - 16_384 - (8 + 1 + 6) - (8 + 1 + 2)
        // One item alone: from 200 bytes below that to 2 above, of which a first part fits.
        let lengths = Array(room - 200...room + 2)
        try folder.write("items", lengths.map { String(repeating: "x", count: $0) + "\n" }.joined())
        let start = "ulimit -s 512; p=\"$(which pmap)\"; exec env -i PATH=/bin:/usr/bin \"$p\""
        let alone = try shell("\(start) -a items -q printf '%s\\n'", in: folder)
        let fitting = alone.lines.map(\.count)
        #expect(fitting == Array(lengths.prefix(fitting.count)) && alone.status == 1)
        let longest = try #require(fitting.last)
        #expect(longest > room - 150 && longest < room)
        #expect(
            alone.errorLines.first?.hasSuffix(
                "too long for a command line (\(longest + 1) bytes), which has room for "
                    + "\(longest) beside the environment; -i has no such limit") == true)

        // Two items cost another NUL and pointer, and one byte more makes two chunks of them.
        for (more, chunks) in [(-1, ["2"]), (0, ["2"]), (1, ["1", "1"])] {
            let second = 1000
            let first = longest - second - 9 + more
            let items = [first, second].map { String(repeating: "x", count: $0) + "\n" }.joined()
            try folder.write("items", items)
            let printed = try shell("\(start) -a items -c2 printf '%s\\n'", in: folder)
            #expect(printed.text == items && printed.status == 0)
            try shell("\(start) -a items -c2 --log log printf '%s\\n'", in: folder)
            let counts = try shell("tail -n +2 log | cut -f 13", in: folder).lines
            #expect(counts == chunks, "\(more)")
        }
    }

    /// Whether room is left for all, for some, or for none of the items beside it.
    @Test(arguments: [60_000, 19_000, 4_000])
    func anEnvironmentNearlyAsLargeAsTheLimitLeavesTheRest(_ left: Int) throws {
        let folder = try TemporaryFolder()
        var limit = rlimit()
        getrlimit(__rlimit_resource_t(RLIMIT_STACK.rawValue), &limit)
        let total = min(max(Int(clamping: limit.rlim_cur / 4), 128 << 10), 6 << 20)
        // PATH and the others are among what is left.
        var variables: [String: String] = [:]
        var rest = total - left
        while rest > 20 {
            let length = min(rest - 20, 131_000)
            variables["V\(variables.count)"] = String(repeating: "x", count: length)
            rest -= length + 20
        }
        try shell("seq 3000 >items", in: folder)
        let result = try shell(
            "pmap -a items -c3000 --failed failed printf '%s\\n' | cmp - items", in: folder,
            environment: variables)
        let fed = try shell(
            "pmap -a items -i cat | cmp - items", in: folder, environment: variables)
        #expect(fed.text.isEmpty && fed.errors.isEmpty && fed.status == 0)
        if left < 16_384 {
            // One message before anything is read, and not one for each item.
            let said = result.errorLines.filter { $0.hasPrefix("pmap: ") }
            #expect(said.count == 1 && said[0].hasPrefix("pmap: the environment: "), "\(said)")
            #expect(said[0].hasSuffix("; raise 'ulimit -s', or feed the items to -i"))
        } else {
            #expect(result.text.isEmpty && result.errors.isEmpty && result.status == 0)
        }
    }

    @Test func argumentsThatLeaveNoRoomAreOneErrorBeforeReading() throws {
        let result = try shell(
            """
            ulimit -s 512; word=$(head -c 110000 /dev/zero | tr '\\0' x)
            yes | pmap echo $word yyyyyyyyyyyyyyyyyyyy{} $(seq 500)
            """, timeout: 20)
        #expect(result.status == 1 && result.errorLines.count == 1 && result.text.isEmpty)
        #expect(result.errors.hasPrefix("pmap: the command's own arguments: "), "\(result.errors)")
    }

    /// Limits hold for the arguments that are built of an item, not for the item.
    @Test(arguments: [
        ("printf 'id%d,' 1; head -c 140000 /dev/zero | tr '\\0' x; echo", "-F, echo {1}", "id1\n"),
        ("head -c 140000 /dev/zero | tr '\\0' x; echo /name", "echo {/}", "name\n"),
        ("head -c 140000 /dev/zero | tr '\\0' x; echo /name", "-F / echo {2}.{2}", "name.name\n"),
    ])
    func aShortPartOfALongItemIsTaken(_ item: String, _ command: String, _ output: String) throws {
        let result = try shell("{ \(item); } | pmap \(command)")
        #expect(result.text == output && result.errors.isEmpty && result.status == 0)
    }

    @Test func manyFieldsMayTogetherBeLongerThanAnArgument() throws {
        let line = try shell("seq -s, 100000 130000")
        let result = try shell("pmap -F, printf '%s,'", input: line.output)
        #expect(result.text == line.text.dropLast() + "," && result.status == 0)
    }
}
