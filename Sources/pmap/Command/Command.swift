import Shared

/// The command from the command line, and how it gets the items of a chunk.
struct Command {
    /// How the command gets the items of a chunk.
    enum Delivery: Equatable {
        /// As arguments: in place of the placeholders, or after the other arguments if there are
        /// none.
        case arguments
        /// The same, with each item cut into fields at a separator (`-F`).
        case fields(separator: [UInt8])
        /// On its standard input (`-i`).
        case standardInput
    }

    let words: [Template]
    let delivery: Delivery

    /// - Parameters:
    ///   - words: the operands; placeholders in them stand for items.
    ///   - placeholder: the only placeholder; nil means those of the manual page.
    init(_ words: [Argument], delivery: Delivery, placeholder: [UInt8]? = nil) {
        self.delivery = delivery
        let takesFields = if case .fields = delivery { true } else { false }
        self.words = words.map {
            if let placeholder { return Template($0.bytes, placeholder: placeholder) }
            return Template(
                $0.bytes, takesItems: delivery != .standardInput, takesFields: takesFields)
        }
    }

    /// Takes the script of `-s`: text for a shell, in which nothing is replaced.
    init(script: Argument, delivery: Delivery) {
        self.delivery = delivery
        var words = ["/bin/sh", "-c"] as [Argument]
        // Without it, the shell would take a script that begins with "-" or "+" for an option.
        if let first = script.bytes.first, first == UInt8(ascii: "-") || first == UInt8(ascii: "+")
        {
            words.append("--")
        }
        words += [script, "sh"]
        self.words = words.map { Template(literal: $0.bytes) }
    }

    /// The indices of the words that are repeated for each item.
    var itemWords: [Int] { words.indices.filter { words[$0].holdsItem } }

    private var separator: [UInt8] {
        if case .fields(let separator) = delivery { separator } else { [] }
    }

    /// Whether items are appended to the other arguments.
    private var appendsItems: Bool {
        delivery != .standardInput && !words.contains(where: \.holdsItem)
    }

    /// Says why the command could not be started, and what the user may have meant.
    func reason(_ error: Errno) -> String {
        let isOneWordWithBlanks =
            words.count == 1 && words[0].parts.contains { $0.holdsBlank }
        let advice = error == .noEntry && isOneWordWithBlanks
        return error.reason + (advice ? "; a command line in one word is a script for -s" : "")
    }

    /// Returns the command's argv for a chunk.
    func arguments(for chunk: Chunk, slot: Int, delimiter: UInt8) -> ArgumentVector {
        let appendsItems = self.appendsItems
        let isWhole = appendsItems && separator.isEmpty
        let items =
            isWhole || delivery == .standardInput ? [] : chunk.items(delimiter: delimiter)
        // Each item is cut only once, for all words that contain it.
        let cutItems = separator.isEmpty ? [] : items.map { fields($0, separator: separator) }
        var arguments = ArgumentVector()
        for word in words {
            func append(_ item: ArraySlice<UInt8>, _ fields: [ArraySlice<UInt8>]) {
                arguments.append(
                    word, item: item, fields: fields, chunk: chunk.number, slot: slot)
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

/// How much room the kernel's limit leaves for items as arguments.
struct ArgumentRoom: Equatable {
    /// Bytes for all the items of a chunk.
    let total: Int
    /// The words that are repeated for each item; empty if items are appended.
    let words: [Template]
    /// The separator of an item's fields; empty without `-F`.
    let separator: [UInt8]

    /// The cost of an item if only whole items replace placeholders: `fixed` bytes, and `copies`
    /// times its length.
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

    /// The cost of the shortest item, in bytes.
    var least: Int { fixed }

    /// The length of an item that is sure to fit alone, in bytes.
    var left: Int { max(0, (total - fixed) / max(copies, 1)) }

    /// The most bytes that the arguments made from an item of this length can take.
    func cost(ofLength length: Int) -> Int {
        let (product, overflow) = length.multipliedReportingOverflow(by: copies)
        return overflow ? .max : product + fixed
    }

    /// Returns the bytes of the arguments made from an item, with their NULs and pointers, and the
    /// bytes of the longest of them, without.
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
    /// Returns the room for items; nil if items are not arguments.
    ///
    /// - Throws: if the environment and the fixed arguments leave no room for even an empty item.
    ///   Then every chunk would fail in the same way.
    func roomForItems() throws(UsageError) -> ArgumentRoom? {
        let environment = WorkerEnvironment.size
        let fixed = words.reduce(0) {
            $1.holdsItem ? $0 : $0 + ArgumentLimit.cost(of: $1.fixedLength)
        }
        let limit = ArgumentLimit.total
        if delivery == .standardInput {
            // If items are not arguments, the reserve may be used too.
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
