import Shared

extension Counts {
    /// Counts the records of a file.
    mutating func count(_ reader: inout BlockReader, delimiter: UInt8) throws {
        while let block = try unsafe reader.nextRecords(delimiter: delimiter) {
            try unsafe count(block, delimiter: delimiter)
        }
    }

    /// Counts the records of a block, the last of which may lack its delimiter. Bytes
    /// behind the block are read (see `InputBuffer.padding`) and never used.
    private mutating func count(_ block: UnsafeRawBufferPointer, delimiter: UInt8) throws {
        let bytes = block.baseAddress!
        var ends = InlineArray<320, Int>(repeating: 0)
        var endCount = 0
        var start = 0
        for base in stride(from: 0, to: block.count, by: 64) {
            var matches = unsafe cs_matches64(bytes + base, delimiter)
            if block.count &- base < 64 { matches &= (1 &<< UInt64(block.count &- base)) &- 1 }
            appendPlaces(of: matches, base, to: &ends, &endCount)
            if endCount > 240 || base &+ 64 >= block.count {
                for number in 0..<endCount {
                    let end = unsafe ends[unchecked: number]
                    let length = end &- start
                    if length <= CountedKey.inlineLimit {
                        unsafe addSoon(bytes + start, length: length, 1)
                    } else {
                        try unsafe add(UnsafeRawBufferPointer(start: bytes + start, count: length))
                    }
                    start = end &+ 1
                }
                addToTotal(UInt64(endCount))
                try addPending()
                endCount = 0
            }
        }
        if start < block.count {
            try unsafe add(UnsafeRawBufferPointer(rebasing: block[start...]))
            addToTotal(1)
        }
    }

    /// Appends the places of bits, 8 at a time: what is written too much is written over, and
    /// there is no branch for each bit that could not be foreseen (Langdale and Lemire,
    /// "Parsing gigabytes of JSON per second", 2019, section 3.1.2).
    @inline(__always)
    private func appendPlaces(
        of matches: UInt64, _ base: Int, to places: inout InlineArray<320, Int>, _ count: inout Int
    ) {
        var rest = matches
        var place = count
        count &+= matches.nonzeroBitCount
        repeat {
            for index in 0..<8 {
                unsafe places[unchecked: place &+ index] = base &+ rest.trailingZeroBitCount
                rest &= rest &- 1
            }
            place &+= 8
        } while rest != 0
    }
}
