import Shared

/// A histogram of times, in bounded memory. Each bucket is 2 % wider than the one before it, so
/// quantiles are accurate to 1 %. The smallest and the largest time are exact.
struct Histogram {
    private var counts = [Int](repeating: 0, count: 1600)
    private(set) var count = 0
    private(set) var smallest = Double.infinity
    private(set) var largest = 0.0

    private static let width = log(1.02)
    /// Seconds; shorter times go into the first bucket.
    private static let shortest = 1e-6

    mutating func add(_ seconds: Double) {
        let place = log(max(seconds, Self.shortest) / Self.shortest) / Self.width
        counts[min(Int(place), counts.count - 1)] += 1
        count += 1
        smallest = min(smallest, seconds)
        largest = max(largest, seconds)
    }

    /// Returns the smallest time such that this share of all times is no longer; 0 if there are
    /// none.
    func quantile(_ share: Double) -> Double {
        let rank = max(Int((share * Double(count)).rounded(.up)), 1)
        var seen = 0
        for (place, number) in counts.enumerated() {
            seen += number
            guard seen >= rank else { continue }
            let middle = Self.shortest * exp((Double(place) + 0.5) * Self.width)
            return min(max(middle, smallest), largest)
        }
        return 0
    }
}
