import Shared

/// Writes counts in the selected form.
struct Printer: ~Copyable {
    enum Form: Equatable {
        case countFirst, keyFirst
        case json(keyFirst: Bool)
        case bars
    }

    private let form: Form
    private let delimiter: UInt8
    /// The sum of all counts if shares are printed, else nil.
    private let total: UInt64?
    /// Made in `begin`, and only for bars: a first array takes as long as a short run.
    private var bars: BarScale?
    private var output = Output(.standardOutput)

    init(form: Form, delimiter: UInt8, total: UInt64?) {
        self.form = form
        self.delimiter = delimiter
        self.total = total
    }

    /// - Parameter maximum: the highest count that will be printed. Only bars need it.
    mutating func begin(maximum: UInt64) {
        if form == .bars { bars = BarScale(maximum: maximum) }
    }

    mutating func print(_ record: Record) throws(WriteError) {
        let share = total.map { percentage(of: record.count, in: $0) }
        switch form {
        case .countFirst:
            guard let share else { return try printPlain(record) }
            try output.append(decimal: record.count)
            try output.append("\t\(share)\t")
            try unsafe output.append(record.key)
        case .keyFirst:
            try unsafe output.append(record.key)
            try output.append(UInt8(ascii: "\t"))
            try output.append(decimal: record.count)
            if let share { try output.append("\t\(share)") }
        case .json(let keyFirst): try appendObject(record, share: share, keyFirst: keyFirst)
        case .bars:
            guard let bars else { preconditionFailure("print comes after begin") }
            try bars.append(count: record.count, to: &output)
            if let share {
                try output.append(String(repeating: " ", count: max(0, 8 - share.utf8.count)))
                try output.append(share + "% ")
            }
            try bars.append(bar: record.count, to: &output)
            try unsafe appendVisible(record.key)
        }
        try output.append(delimiter)
    }

    consuming func finish() throws(WriteError) { try output.finish() }

    /// Prints the default form. It has its own fast path because there may be millions of lines.
    private mutating func printPlain(_ record: Record) throws(WriteError) {
        let length = unsafe record.key.count
        if length > 1 << 16 {
            // Append a long key directly: the fast path would copy it.
            try output.append(decimal: record.count)
            try output.append(UInt8(ascii: "\t"))
            try unsafe output.append(record.key)
            return try output.append(delimiter)
        }
        unsafe try output.appendUpTo(max(length, 16) + 22) { room in
            var place = unsafe writeDecimal(record.count, at: room)
            unsafe room[place] = UInt8(ascii: "\t")
            place += 1
            let target = unsafe UnsafeMutableRawPointer(room + place)
            let key = unsafe record.key.baseAddress!
            if length <= 16 {
                // Copying two words is faster than checking the length.
                unsafe target.storeBytes(of: key.loadUnaligned(as: UInt64.self), as: UInt64.self)
                unsafe target.storeBytes(
                    of: key.loadUnaligned(fromByteOffset: 8, as: UInt64.self),
                    toByteOffset: 8, as: UInt64.self)
            } else {
                unsafe target.copyMemory(from: key, byteCount: length)
            }
            unsafe room[place + length] = delimiter
            return place + length + 1
        }
    }

    private mutating func appendObject(
        _ record: Record, share: String?, keyFirst: Bool
    ) throws(WriteError) {
        if keyFirst {
            try output.append("{")
            try unsafe appendJSONMember(record.key, to: &output)
            try output.append(",\"count\":")
            try output.append(decimal: record.count)
        } else {
            try output.append("{\"count\":")
            try output.append(decimal: record.count)
            try output.append(",")
            try unsafe appendJSONMember(record.key, to: &output)
        }
        if let share { try output.append(",\"percent\":\(share)") }
        try output.append("}")
    }

    /// Appends a key with control characters spelled out, so that it can neither end the line nor
    /// control the terminal. It works in pieces because a key may be almost as large as memory:
    /// runs of visible ASCII, and runs of other bytes, which are characters of their own.
    private mutating func appendVisible(_ key: UnsafeRawBufferPointer) throws(WriteError) {
        var start = 0
        while start < key.count {
            var end = start
            while end < key.count, unsafe isVisibleASCII(key[end]) { end += 1 }
            try unsafe output.append(UnsafeRawBufferPointer(rebasing: key[start..<end]))
            start = end
            while end < key.count, end < start + 4096, unsafe !isVisibleASCII(key[end]) { end += 1 }
            if start == end { return }
            // Do not split a UTF-8 character: each byte after its first begins with the bits 10.
            var back = 0
            while back < 3, end < key.count, end > start + 3, unsafe key[end] & 0xC0 == 0x80 {
                end -= 1
                back += 1
            }
            try unsafe output.append(
                visible(readable(UnsafeRawBufferPointer(rebasing: key[start..<end]))))
            start = end
        }
    }
}

private func isVisibleASCII(_ byte: UInt8) -> Bool { 0x20...0x7E ~= byte }

/// A share of a total that is not 0, in percent with four decimals, halves rounded up.
func percentage(of count: UInt64, in total: UInt64) -> String {
    // In units of 1/10,000 percent; the product has 128 bits.
    var product = count.multipliedFullWidth(by: 1_000_000)
    let (low, carry) = product.low.addingReportingOverflow(total / 2)
    product.low = low
    if carry { product.high += 1 }
    let units = total.dividingFullWidth(product).quotient
    let digits = String(units % 10_000)
    return "\(units / 10_000).\(String(repeating: "0", count: 4 - digits.utf8.count))\(digits)"
}
