import Shared

extension Tokenizer {
    /// Ends the current segment, and prints it if it is a word.
    ///
    /// - Parameter room: the start of the memory that is not yet committed to the output. This
    ///   call may move it.
    mutating func finishSegment(
        _ room: inout UnsafeMutablePointer<UInt8>, _ output: inout Output
    ) throws {
        if cursor.state.isOpen {
            try unsafe splitAtOpen(&room, &output)
        }
        try unsafe finishWord(&room, &output)
        cursor.state = .start
    }

    /// Ends the current segment before a pictograph, unless the segment ends with a zero width
    /// joiner: the joiner attaches the pictograph to the segment (WB3c).
    mutating func finishUnlessJoined(
        _ room: inout UnsafeMutablePointer<UInt8>, _ output: inout Output
    ) throws {
        let end = unsafe room + cursor.end
        // U+200D is E2 80 8D.
        if unsafe cursor.end - cursor.start < 3 || end[-3] != 0xE2 || end[-2] != 0x80
            || end[-1] != 0x8D
        {
            try unsafe finishSegment(&room, &output)
        } else if cursor.state.isOpen {
            try unsafe splitAtOpen(&room, &output)
        }
    }

    /// Ends the segment before the open scalar, because that scalar joins nothing. The open scalar
    /// begins another segment.
    private mutating func splitAtOpen(
        _ room: inout UnsafeMutablePointer<UInt8>, _ output: inout Output
    ) throws {
        let bytes = unsafe UnsafeBufferPointer(
            start: room + cursor.open, count: cursor.end - cursor.open)
        // `isRecomposed` may come from two marks in a row. It is not known in which of the two
        // segments they are, so the second one keeps it too.
        var facts = cursor.facts & WordMachine.isRecomposed
        var index = 0
        while index < bytes.count {
            let (scalar, length) = unsafe scalarOf(bytes, at: index)
            facts |= machine.facts(of: scalar)
            index += length
        }
        tail.removeAll()
        try unsafe tail.append(bytes)
        bytesSeen &+= bytes.count
        cursor.end = cursor.open
        cursor.facts = cursor.factsBeforeOpen
        try unsafe finishWord(&room, &output, roomBehind: tail.count)
        cursor.state = .other
        unsafe memcpy(room + cursor.end, tail.bytes.baseAddress!, tail.count)
        cursor.end += tail.count
        cursor.facts = facts
    }

    /// Finishes the text between `start` and `end` if it is a word, and makes that range empty.
    ///
    /// - Parameter more: the number of bytes to make room for, in addition to those of a window.
    mutating func finishWord(
        _ room: inout UnsafeMutablePointer<UInt8>, _ output: inout Output, roomBehind more: Int = 0
    ) throws {
        if cursor.facts & WordMachine.isWord != 0 {
            var word = unsafe UnsafeBufferPointer(
                start: room + cursor.start, count: cursor.end - cursor.start)
            if cursor.facts != WordMachine.isWord {
                let printed = try unsafe finisher.finish(word, facts: cursor.facts, machine)
                spare -= max(0, printed.count - word.count)
                if spare < 0 {
                    cursor.end = cursor.start
                    unsafe room = try makeRoom(&output, more: printed.count + more)
                }
                unsafe word = UnsafeBufferPointer(
                    start: room + cursor.start, count: printed.count)
                unsafe copyBytes(printed, to: room + cursor.start)
            }
            if unsafe holds(word, atLeast: rule.minimumLength) {
                cursor.start += word.count
                unsafe room[cursor.start] = rule.wordEnd
                cursor.start += 1
            }
        }
        cursor.end = cursor.start
        cursor.markEnd = cursor.start
        cursor.facts = 0
    }
}

/// Whether UTF-8 text that is not empty has so many scalars or more.
@inline(__always)
private func holds(_ bytes: UnsafeBufferPointer<UInt8>, atLeast minimum: Int) -> Bool {
    if minimum == 1 { return true }
    if bytes.count < minimum { return false }
    // A scalar has 4 bytes at most.
    if bytes.count / 4 >= minimum { return true }
    return unsafe scalarCount(bytes) >= minimum
}

/// The number of scalars in UTF-8 text.
private func scalarCount(_ bytes: UnsafeBufferPointer<UInt8>) -> Int {
    var count = 0
    for index in 0..<bytes.count where unsafe bytes[index] & 0xC0 != 0x80 { count &+= 1 }
    return count
}
