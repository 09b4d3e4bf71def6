import Shared

/// Which lines are printed, and in which order.
struct Selection {
    enum Sequence {
        case byCount, byKey
        /// In no order that is promised.
        case unsorted
    }

    /// Keeps this many of the most frequent, equal counts by bytes; nil keeps all.
    var top: Int?
    var minimum: UInt64 = 1
    var sequence = Sequence.byCount
    var isReversed = false
    /// Whether the highest count must be known before the first line is printed.
    var needsMaximum = false

    private var order: Order { Order(isByCount: sequence == .byCount, isReversed: isReversed) }
}

/// What is known of the counts as a whole.
struct Summary {
    /// Different keys, whether they are printed or not.
    var distinct: UInt64 = 0
    /// The highest count of a key that is printed, where it was asked for.
    var maximum: UInt64 = 0
}

extension Selection {
    /// Calls with each record to print, in order.
    ///
    /// - Parameters:
    ///   - memory: what to work in.
    ///   - begin: is called once, before the first record.
    /// - Returns: what is known at the end.
    func visit(
        _ counted: consuming Counted, memory: MemoryLimit,
        begin: (Summary) -> Void, _ body: (Record) throws -> Void
    ) throws -> Summary {
        switch consume counted {
        case .memory(var entries): try visit(&entries, begin, body)
        case .disk(var file): try visit(&file, memory.forMerging, begin, body)
        }
    }

    private func visit(
        _ entries: inout EntryList, _ begin: (Summary) -> Void, _ body: (Record) throws -> Void
    ) throws -> Summary {
        var summary = Summary()
        summary.distinct = UInt64(entries.count)
        if minimum > 1 { entries.keep { $0.count >= minimum } }
        if needsMaximum {
            entries.visit { summary.maximum = max(summary.maximum, $0.count) }
        }
        if let top { entries.keepFirst(top, in: .byCount) }
        begin(summary)
        if sequence == .unsorted {
            try entries.visit(body)
        } else {
            try entries.visit(in: order, body)
        }
        return summary
    }

    /// Runs come merged in the order of keys; where that is not what is wanted they are sorted
    /// once more: for the most frequent ones, and then for the order of the output.
    private func visit(
        _ file: inout RunFile, _ memory: Int,
        _ begin: (Summary) -> Void, _ body: (Record) throws -> Void
    ) throws -> Summary {
        var summary = Summary()
        func mergeKept(_ body: (Record) throws -> Void) throws {
            try mergeRuns(of: &file, order: .byKey, memory: memory / 2) { record in
                summary.distinct += 1
                if record.count < minimum { return }
                summary.maximum = max(summary.maximum, record.count)
                try body(record)
            }
        }
        if top == nil, !order.isByCount, !isReversed, !needsMaximum {
            begin(summary)
            try mergeKept(body)
            return summary
        }
        let share = memory / 2
        var first = try RecordSort(
            order: top == nil ? order : .byCount, wanted: top ?? .max, limit: share,
            folder: file.folder)
        try mergeKept { try first.add($0) }
        if top == nil || !isReversed && sequence != .byKey {
            begin(summary)
            try first.visit(body)
            return summary
        }
        var second = try RecordSort(order: order, limit: share, folder: file.folder)
        try first.visit { try second.add($0) }
        begin(summary)
        try second.visit(body)
        return summary
    }
}
