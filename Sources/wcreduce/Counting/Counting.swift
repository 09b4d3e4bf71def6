import Shared

extension Counts {
    /// Counts the records of a file.
    mutating func count(_ reader: inout BlockReader, delimiter: UInt8) throws {
        while let block = try unsafe reader.nextRecords(delimiter: delimiter) {
            try unsafe count(block, delimiter: delimiter)
        }
    }

    /// Counts the records of a block. The last record may lack its delimiter. Bytes after the block
    /// are read (see `InputBuffer.padding`) but ignored.
    private mutating func count(_ block: UnsafeRawBufferPointer, delimiter: UInt8) throws {
        let bytes = block.baseAddress!
        var endCount = 0
        var start = 0
        for base in stride(from: 0, to: block.count, by: 64) {
            var matches = unsafe cs_matches64(bytes + base, delimiter)
            if block.count &- base < 64 { matches &= (1 &<< UInt64(block.count &- base)) &- 1 }
            unsafe appendPlaces(of: matches, base, to: ends, &endCount)
            if endCount > Self.batch - 64 - 8 || base &+ 64 >= block.count {
                try unsafe count(bytes, endCount: endCount, &start)
                addToTotal(UInt64(endCount))
                endCount = 0
            }
        }
        if start < block.count {
            try unsafe add(UnsafeRawBufferPointer(rebasing: block[start...]))
            addToTotal(1)
        }
    }

    /// Counts the lines that end at the offsets in `ends`.
    ///
    /// - Parameter start: the offset at which the first line begins. It is moved past the last
    ///   line.
    @inline(__always)
    private mutating func count(_ bytes: UnsafeRawPointer, endCount: Int, _ start: inout Int) throws
    {
        var number = 0
        while number < endCount {
            pendingCount = unsafe table.prepare(
                bytes, ends + number, count: endCount &- number, &start, into: pending)
            number &+= pendingCount
            try addPending()
            if number < endCount {
                let end = unsafe ends[number]
                try unsafe add(UnsafeRawBufferPointer(start: bytes + start, count: end &- start))
                start = end &+ 1
                number &+= 1
            }
        }
    }

    /// Appends the positions of the set bits, 8 at a time. Surplus elements are overwritten later.
    /// This avoids an unpredictable branch for each bit (Langdale and Lemire, "Parsing gigabytes of
    /// JSON per second", 2019, section 3.1.2).
    @inline(__always)
    private func appendPlaces(
        of matches: UInt64, _ base: Int, to places: UnsafeMutablePointer<Int>, _ count: inout Int
    ) {
        var rest = matches
        var place = count
        count &+= matches.nonzeroBitCount
        repeat {
            for index in 0..<8 {
                unsafe places[place &+ index] = base &+ rest.trailingZeroBitCount
                rest &= rest &- 1
            }
            place &+= 8
        } while rest != 0
    }
}
