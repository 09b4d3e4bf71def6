/// The free places 1, 2, 3 ..., the lowest first. Places that were never taken are a
/// number, so that it costs nothing how many there might be.
struct SlotSet {
    /// In descending order.
    private var returned: [Int] = []
    private var nextNew = 1

    var lowest: Int { returned.last ?? nextNew }

    mutating func removeLowest() {
        if returned.popLast() == nil { nextNew += 1 }
    }

    mutating func insert(_ slot: Int) {
        var low = 0
        var high = returned.count
        while low < high {
            let middle = (low + high) / 2
            if returned[middle] > slot { low = middle + 1 } else { high = middle }
        }
        returned.insert(slot, at: low)
    }
}
