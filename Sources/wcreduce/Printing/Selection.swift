import Shared

/// Which lines are printed, and in which order.
struct Selection {
    enum Sequence {
        case byCount, byKey
        /// In no particular order.
        case unsorted
    }

    /// The number of most frequent lines to keep; equal counts rank in byte order. Nil keeps all.
    var top: Int?
    var minimum: UInt64 = 1
    var sequence = Sequence.byCount
    var isReversed = false
    /// Whether the highest count must be known before the first line is printed.
    var needsMaximum = false

    private var order: Order { Order(isByCount: sequence == .byCount, isReversed: isReversed) }
}

/// Figures about all counts.
struct Summary {
    /// The number of distinct keys, printed or not.
    var distinct: UInt64 = 0
    /// The highest count of a printed key, if `Selection.needsMaximum` is set.
    var maximum: UInt64 = 0
}

extension Selection {
    /// Calls `body` with each record to print, in order.
    ///
    /// - Parameters:
    ///   - memory: the memory to use.
    ///   - begin: called once, before the first record.
    /// - Returns: the figures, complete after the last record.
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

    /// The merge yields records in key order. If another order is wanted, they are sorted again:
    /// first to select the most frequent records, then into the order of the output.
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
