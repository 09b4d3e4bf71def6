import Shared

/// Counts items in bytes that arrive in pieces. It counts delimiters in blocks, several times as fast
/// as it could look at each item.
struct ItemCount {
    /// Whole items, and their bytes with the delimiters.
    var items = 0
    var bytes = 0
    /// Bytes after them that hold no delimiter.
    var rest = 0

    private static let blockSize = 4096

    /// Counts the items of the next piece.
    ///
    /// - Parameter limit: the number of items to stop at.
    /// - Returns: whether there are as many now.
    mutating func add(_ piece: UnsafeRawBufferPointer, delimiter: UInt8, limit: Int) -> Bool {
        var place = 0
        while items < limit, place < piece.count {
            let end = min(place + Self.blockSize, piece.count)
            let block = unsafe UnsafeRawBufferPointer(rebasing: piece[place..<end])
            let found = unsafe occurrences(of: delimiter, in: block)
            if found <= limit - items {
                if found > 0, let last = unsafe lastOffset(of: delimiter, in: block) {
                    items += found
                    bytes += rest + last + 1
                    rest = block.count - last - 1
                } else {
                    rest += block.count
                }
                place = end
                continue
            }
            while items < limit {
                let left = unsafe UnsafeRawBufferPointer(rebasing: piece[place..<end])
                let length = unsafe firstOffset(of: delimiter, in: left)! + 1
                items += 1
                bytes += rest + length
                rest = 0
                place += length
            }
        }
        return items >= limit
    }

    /// Counts an item that lacks its delimiter, at the end of the input.
    mutating func endLastItem() {
        if rest == 0 { return }
        items += 1
        bytes += rest
        rest = 0
    }
}
