/// The free slots 1, 2, 3 ..., lowest first. Slots that were never taken are stored as one number,
/// so their count does not matter.
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
