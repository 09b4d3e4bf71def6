@_spi(_Unicode) import Swift

@testable import wordsplit

/// Writes `Sources/wordsplit/Unicode/CompositionTable.swift` from the Unicode data of the Swift
/// standard library: `make tables`.
///
/// The library returns the full decomposition of a scalar. One step splits off its last scalar; the
/// rest is the decomposition of another scalar.
struct CompositionTableSource {
    struct Step {
        let scalar: UInt32
        let first: UInt32
        let second: UInt32
        /// Whether composition gives the scalar back.
        let composes: Bool
    }

    private(set) var steps: [Step] = []

    init() {
        var whole: [(Unicode.Scalar, [Unicode.Scalar])] = []
        var wholeOf: [[Unicode.Scalar]: Unicode.Scalar] = [:]
        for value in 0xC0...0x2FFFF as ClosedRange<UInt32> where !(0xAC00...0xD7A3 ~= value) {
            guard let scalar = Unicode.Scalar(value), scalar.properties.age != nil else { continue }
            let parts = Array(String(scalar)._nfd)
            if parts == [scalar] { continue }
            whole.append((scalar, parts))
            // Of several, the one that composition gives back.
            if wholeOf[parts] == nil || composed(scalar) == [scalar] { wholeOf[parts] = scalar }
        }
        for (scalar, parts) in whole {
            let composes = composed(scalar) == [scalar]
            let other = wholeOf[parts]!
            if parts.count == 1 || other != scalar {
                let single = parts.count == 1 ? parts[0] : other
                steps.append(
                    Step(scalar: scalar.value, first: single.value, second: 0, composes: false))
                continue
            }
            let rest = Array(parts.dropLast())
            guard let first = rest.count == 1 ? rest[0] : wholeOf[rest] else {
                fatalError("\(scalar) has no step")
            }
            steps.append(
                Step(
                    scalar: scalar.value, first: first.value, second: parts.last!.value,
                    composes: composes))
        }
    }

    private func composed(_ scalar: Unicode.Scalar) -> [Unicode.Scalar] {
        Array(String(decoding: String(scalar)._nfcCodeUnits, as: UTF8.self).unicodeScalars)
    }

    /// The text of the source file.
    func text() -> String {
        """
        // Generated from the data of Unicode \(WordTableSource.unicodeVersion) by `make tables`; see
        // Tests/wordsplitTests/CompositionTableSource.swift.

        // swift-format-ignore-file

        /// The decomposition of each scalar, except for the syllables of Hangul. The lower 21 bits hold
        /// the scalar. The bits above them hold the two scalars of its one-step decomposition, or one
        /// scalar and 0.
        ///
        /// The tables are searched with `Composer.slot`: an entry is in its slot, or in the next free one
        /// after it. The compiler turns them into constant memory, so they cost no time at the start.
        enum CompositionTable {
            static let decompositions: InlineArray<4096, UInt64> = [
        \(rows(4096, steps) { Composer.slot($0.scalar, 0, of: $1) })
            ]

            /// The entries that composition reverses, placed by their two scalars.
            static let compositions: InlineArray<2048, UInt64> = [
        \(rows(2048, steps.filter(\.composes)) { Composer.slot($0.first, $0.second, of: $1) })
            ]
        }

        """
    }

    private func rows(_ count: Int, _ steps: [Step], _ slot: (Step, Int) -> Int) -> String {
        var entries = [UInt64](repeating: 0, count: count)
        for step in steps {
            var place = slot(step, count)
            while entries[place] != 0 { place = (place + 1) % count }
            entries[place] =
                UInt64(step.scalar) | UInt64(step.first) << 21 | UInt64(step.second) << 42
        }
        return stride(from: 0, to: count, by: 8).map { start in
            entries[start..<start + 8]
                .map { ($0 == 0 ? "0" : "0x" + String($0, radix: 16)) + "," }
                .joined(separator: " ")
        }.map { "        " + $0 }.joined(separator: "\n")
    }
}
