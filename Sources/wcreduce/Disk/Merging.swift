import Shared

extension Counts {
    /// Adds up the counts of a file of counted records. A line that is not a counted record is an
    /// error that ends the run; nothing is guessed.
    mutating func merge(
        _ reader: inout BlockReader, named name: String, form: CountedForm, delimiter: UInt8
    ) throws {
        var lines = 0
        var shares = ShareCheck(form)
        while let block = try unsafe reader.nextRecords(delimiter: delimiter) {
            do {
                try unsafe merge(block, form: form, delimiter: delimiter, &lines, &shares)
            } catch let problem as LineProblem {
                throw Failure("\(name): line \(lines + problem.line + 1)", problem.text)
            } catch let overflow as LineOverflow {
                throw Failure(
                    "\(name): line \(lines + overflow.line + 1)",
                    "the sum of its counts passes 2^64-1")
            }
        }
        if shares.holds {
            throw Failure(
                name,
                "its lines have shares in percent, as -p prints them; -m takes counts and keys only"
            )
        }
    }

    /// - Parameter lines: the number of lines before the block. The block's lines are added to it.
    private mutating func merge(
        _ block: UnsafeRawBufferPointer, form: CountedForm, delimiter: UInt8, _ lines: inout Int,
        _ shares: inout ShareCheck
    ) throws {
        var line = 0
        var rest = unsafe block
        while unsafe !rest.isEmpty {
            let end = unsafe firstOffset(of: delimiter, in: rest) ?? rest.count
            let record = unsafe UnsafeRawBufferPointer(rebasing: rest[..<end])
            let (count, key) = try unsafe parse(record, form, line)
            addToTotal(count)
            if shares.isOpen { unsafe shares.note(count: count, key: key) }
            if key.count <= CountedKey.inlineLimit, count > 0 {
                unsafe addSoon(key.baseAddress!, length: key.count, count, line: line)
                try addPendingIfMany()
            } else if count > 0 {
                do {
                    try unsafe add(key, count)
                } catch let error as Errno where error == .overflow {
                    throw LineOverflow(line: line)
                }
            }
            unsafe rest = UnsafeRawBufferPointer(rebasing: rest[min(end + 1, rest.count)...])
            line += 1
        }
        try addPending()
        lines += line
    }

    private func parse(
        _ record: UnsafeRawBufferPointer, _ form: CountedForm, _ line: Int
    ) throws(LineProblem) -> (count: UInt64, key: UnsafeRawBufferPointer) {
        do throws(CountProblem) {
            return try unsafe form.parse(record)
        } catch {
            let text = unsafe readable(record.prefix(40))
            throw LineProblem(line: line, text: "\(error.rawValue): '\(text)'")
        }
    }
}

/// An error in a line of the current block.
private struct LineProblem: Error {
    let line: Int
    let text: String
}
