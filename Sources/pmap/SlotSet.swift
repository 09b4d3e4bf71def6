/// The free places 1...J, the lowest first. Places that were never taken are a number,
/// so that a J of a billion costs nothing.
struct SlotSet {
    private var returned: Set<Int> = []
    private var nextNew = 1
    private let count: Int

    init(count: Int) { self.count = count }

    var lowest: Int? { returned.min() ?? (nextNew <= count ? nextNew : nil) }

    mutating func remove(_ slot: Int) {
        if returned.remove(slot) == nil { nextNew = slot + 1 }
    }

    mutating func insert(_ slot: Int) { returned.insert(slot) }
}
