import Shared

/// The command of the command line, and how a chunk's items reach it.
struct Command {
    /// How the items of a chunk reach the command.
    enum Delivery: Equatable {
        /// Behind its arguments, or in the place of placeholders where there are any.
        case arguments
        /// The same, each cut into fields at a separator (`-F`).
        case fields(separator: [UInt8])
        /// On its standard input (`-i`).
        case standardInput
    }

    let words: [Template]
    let delivery: Delivery

    /// - Parameters:
    ///   - words: the operands; a placeholder in one is what stands for an item.
    ///   - placeholder: the only one, if not those of the manual page.
    init(_ words: [Argument], delivery: Delivery, placeholder: [UInt8]? = nil) {
        self.delivery = delivery
        let takesFields = if case .fields = delivery { true } else { false }
        self.words = words.map {
            if let placeholder { return Template($0.bytes, placeholder: placeholder) }
            return Template(
                $0.bytes, takesItems: delivery != .standardInput, takesFields: takesFields)
        }
    }

    /// The script of `-s`: text for a shell, in which nothing is replaced.
    init(script: Argument, delivery: Delivery) {
        self.delivery = delivery
        var words = ["/bin/sh", "-c"] as [Argument]
        // Else the shell would take a script that begins like an option for one of its own.
        if let first = script.bytes.first, first == UInt8(ascii: "-") || first == UInt8(ascii: "+")
        {
            words.append("--")
        }
        words += [script, "sh"]
        self.words = words.map { Template(literal: $0.bytes) }
    }

    /// The places of the words that stand once for each item.
    var itemWords: [Int] { words.indices.filter { words[$0].holdsItem } }

    private var separator: [UInt8] {
        if case .fields(let separator) = delivery { separator } else { [] }
    }

    /// Whether items are appended to the other arguments.
    private var appendsItems: Bool {
        delivery != .standardInput && !words.contains(where: \.holdsItem)
    }

    /// Why the command could not be started, and what may have been meant.
    func reason(_ error: Errno) -> String {
        let isOneWordWithBlanks =
            words.count == 1 && words[0].parts.contains { $0.holdsBlank }
        let advice = error == .noEntry && isOneWordWithBlanks
        return error.reason + (advice ? "; a command line in one word is a script for -s" : "")
    }

    /// argv of the command for a chunk.
    func arguments(for chunk: Chunk, slot: Int, delimiter: UInt8) -> ArgumentVector {
        let appendsItems = self.appendsItems
        let isWhole = appendsItems && separator.isEmpty
        let items =
            isWhole || delivery == .standardInput ? [] : chunk.items(delimiter: delimiter)
        // Cut once for all the words that they stand in.
        let cutItems = separator.isEmpty ? [] : items.map { fields($0, separator: separator) }
        var arguments = ArgumentVector()
        for word in words {
            func append(_ item: ArraySlice<UInt8>, _ fields: [ArraySlice<UInt8>]) {
                arguments.append(
                    word.filled(item: item, fields: fields, chunk: chunk.number, slot: slot))
            }
            if word.holdsItem {
                for (index, item) in items.enumerated() {
                    append(item, cutItems.isEmpty ? [] : cutItems[index])
                }
            } else {
                append([], [])
            }
        }
        if isWhole {
            arguments.append(itemsOf: chunk, delimiter: delimiter)
        } else if appendsItems {
            for field in cutItems.joined() { arguments.append(field) }
        }
        return arguments
    }
}

// MARK: The kernel's limit

/// What items cost as arguments, of what the kernel allows.
struct ArgumentRoom: Equatable {
    /// Bytes for all the items of a chunk.
    let total: Int
    /// The words that stand once for each item; empty if items are appended.
    let words: [Template]
    /// Between the fields of an item; empty without `-F`.
    let separator: [UInt8]

    /// What an item costs if only whole items are put in place: bytes, and so many times its
    /// length.
    private let fixed: Int
    private let copies: Int
    private let hasOnlyWholeItems: Bool

    init(total: Int, words: [Template], separator: [UInt8]) {
        self.total = total
        self.words = words
        self.separator = separator
        let fixedLengths = words.isEmpty ? [0] : words.map(\.fixedLength)
        fixed = fixedLengths.reduce(0) { $0 + ArgumentLimit.cost(of: $1) }
        hasOnlyWholeItems =
            words.isEmpty ? separator.isEmpty : words.allSatisfy { $0.wholeItems != nil }
        copies = words.isEmpty ? 1 : words.reduce(0) { $0 + $1.parts.count(where: \.isItem) }
    }

    /// What the shortest item costs.
    var least: Int { fixed }

    /// Bytes of an item that fits alone, at the worst.
    var left: Int { max(0, (total - fixed) / max(copies, 1)) }

    /// Bytes of the arguments that are made of an item of so many bytes, at the most.
    func cost(ofLength length: Int) -> Int {
        let (product, overflow) = length.multipliedReportingOverflow(by: copies)
        return overflow ? .max : product + fixed
    }

    /// Bytes of the arguments that are made of an item, with their NULs and pointers, and of the
    /// longest one without.
    func size(ofItem item: UnsafeRawBufferPointer) -> (cost: Int, longest: Int) {
        if hasOnlyWholeItems {
            let longest = words.reduce(words.isEmpty ? item.count : 0) {
                let (bytes, overflow) = item.count.multipliedReportingOverflow(
                    by: $1.wholeItems ?? 0)
                return max($0, overflow ? .max : bytes + $1.fixedLength)
            }
            return (cost(ofLength: item.count), longest)
        }
        let item = unsafe Array(item)[...]
        let fields = fields(item, separator: separator)
        let lengths =
            words.isEmpty
            ? fields.map(\.count) : words.map { $0.length(item: item, fields: fields) }
        return (lengths.reduce(0) { $0 + ArgumentLimit.cost(of: $1) }, lengths.max() ?? 0)
    }
}

extension Command {
    /// The room for items; nil if they are no arguments.
    ///
    /// - Throws: if the environment and the arguments that no item changes take so much that not
    ///   even an empty item fits. Then every chunk would fail in the same way.
    func roomForItems() throws(UsageError) -> ArgumentRoom? {
        let environment = WorkerEnvironment.size
        let fixed = words.reduce(0) {
            $1.holdsItem ? $0 : $0 + ArgumentLimit.cost(of: $1.fixedLength)
        }
        let limit = ArgumentLimit.total
        if delivery == .standardInput {
            // Without items the reserve may be used.
            try check(environment, fixed, limit + ArgumentLimit.reserve)
            return nil
        }
        let room = ArgumentRoom(
            total: limit - environment - fixed, words: words.filter(\.holdsItem),
            separator: separator)
        try check(environment, fixed + room.least, limit)
        return room
    }

    private func check(_ environment: Int, _ arguments: Int, _ limit: Int) throws(UsageError) {
        if environment + arguments <= limit { return }
        let other = delivery == .standardInput ? "" : ", or feed the items to -i"
        throw UsageError(
            arguments > environment ? "the command's own arguments" : "the environment",
            "\(max(arguments, environment)) bytes, too long for a command line of \(limit); "
                + "raise 'ulimit -s'\(other)")
    }
}
