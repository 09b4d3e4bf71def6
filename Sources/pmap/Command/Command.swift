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

    /// - Parameter words: the operands; a placeholder in one is what stands for an item.
    init(_ words: [Argument], delivery: Delivery) {
        self.delivery = delivery
        let takesFields = if case .fields = delivery { true } else { false }
        self.words = words.map {
            Template(
                $0.bytes, takesItems: delivery != .standardInput, takesFields: takesFields)
        }
    }

    /// The script of `-s`: text for a shell, in which nothing is replaced.
    init(script: Argument, delivery: Delivery) {
        self.delivery = delivery
        let shell = ["/bin/sh", "-c"] as [Argument] + [script, "sh"]
        words = shell.map { Template(literal: $0.bytes) }
    }

    private var separator: [UInt8] {
        if case .fields(let separator) = delivery { separator } else { [] }
    }

    /// Whether items go behind the other arguments.
    private var appendsItems: Bool {
        delivery != .standardInput && !words.contains(where: \.holdsItem)
    }

    /// argv of the command for a chunk.
    func arguments(for chunk: Chunk, slot: Int, delimiter: UInt8) -> ArgumentVector {
        let appendsItems = self.appendsItems
        let isWhole = appendsItems && separator.isEmpty
        let items =
            isWhole || delivery == .standardInput ? [] : chunk.items(delimiter: delimiter)
        var arguments = ArgumentVector()
        func append(_ word: Template, _ item: ArraySlice<UInt8>) {
            arguments.append(
                word.filled(item: item, separator: separator, chunk: chunk.number, slot: slot))
        }
        for word in words {
            if word.holdsItem {
                for item in items { append(word, item) }
            } else {
                append(word, [])
            }
        }
        if isWhole {
            arguments.append(itemsOf: chunk, delimiter: delimiter)
        } else if appendsItems {
            for item in items {
                for field in fields(item, separator: separator) { arguments.append(field) }
            }
        }
        return arguments
    }
}

// MARK: The kernel's limit

/// What items cost as arguments, of what the kernel allows.
struct ArgumentRoom: Equatable {
    /// Bytes for all the items of a chunk.
    let total: Int
    /// Bytes of an item that no argument made of it would pass the kernel's limit with.
    let longestItem: Int
    /// What one item costs: bytes, so many times its length, and so much for each field.
    let fixed: Int
    let copies: Int
    let separator: [UInt8]

    /// Bytes of the longest item that is alone in its chunk, 0 where not even that is left.
    var left: Int { max(0, (total - fixed) / max(copies, 1)) }

    func cost(ofItem item: UnsafeRawBufferPointer) -> Int {
        let length = max(item.count, 1)
        let (product, overflow) = length.multipliedReportingOverflow(by: copies)
        if overflow { return .max }
        var cost = product + fixed
        if !separator.isEmpty {
            let count = unsafe fields(Array(item)[...], separator: separator).count
            cost += (count - 1) * ArgumentLimit.cost(of: 0)
        }
        return cost
    }
}

extension Command {
    /// nil where items are no arguments.
    var roomForItems: ArgumentRoom? {
        if delivery == .standardInput { return nil }
        var taken = WorkerEnvironment.size
        var fixed = appendsItems ? ArgumentLimit.cost(of: 0) : 0
        var copies = appendsItems ? 1 : 0
        var longestItem = ArgumentLimit.longestArgument
        for word in words {
            let longest = word.longest
            if longest.items == 0 {
                taken += ArgumentLimit.cost(of: longest.fixed)
            } else {
                fixed += ArgumentLimit.cost(of: longest.fixed)
                copies += longest.items
                let left = ArgumentLimit.longestArgument - longest.fixed
                longestItem = min(longestItem, left / longest.items)
            }
        }
        return ArgumentRoom(
            total: ArgumentLimit.total - taken, longestItem: longestItem, fixed: fixed,
            copies: copies, separator: appendsItems ? separator : [])
    }
}
