/// One word of the command line, cut at its placeholders.
struct Template: Equatable {
    enum Part: Equatable {
        case text([UInt8])
        case item(ItemPart)
        case chunkNumber
        case slot
    }

    let parts: [Part]

    /// A word in which nothing is replaced.
    init(literal word: [UInt8]) { parts = [.text(word)] }

    /// - Parameters:
    ///   - takesItems: whether items are arguments; where they are not, only `{#}` and
    ///     `{%}` are placeholders.
    ///   - takesFields: whether `{1}`, `{2}` ... are placeholders too.
    init(_ word: [UInt8], takesItems: Bool, takesFields: Bool) {
        var parts: [Part] = []
        var text: [UInt8] = []
        var rest = word[...]
        while let byte = rest.first {
            if byte == UInt8(ascii: "{"), let close = rest.firstIndex(of: UInt8(ascii: "}")),
                let part = Self.placeholder(rest[(rest.startIndex + 1)..<close]),
                takesItems || !part.isItem, takesFields || !part.isField
            {
                if !text.isEmpty { parts.append(.text(text)) }
                text = []
                parts.append(part)
                rest = rest[(close + 1)...]
            } else {
                text.append(byte)
                rest = rest.dropFirst()
            }
        }
        if !text.isEmpty || parts.isEmpty { parts.append(.text(text)) }
        self.parts = parts
    }

    private static func placeholder(_ name: ArraySlice<UInt8>) -> Part? {
        switch String(decoding: name, as: UTF8.self) {
        case "": return .item(.whole)
        case "/": return .item(.baseName)
        case "//": return .item(.directory)
        case ".": return .item(.withoutExtension)
        case "/.": return .item(.baseNameWithoutExtension)
        case "#": return .chunkNumber
        case "%": return .slot
        case let digits where digits.count <= 9 && digits.allSatisfy { $0.isASCII && $0.isNumber }:
            return Int(digits).flatMap { $0 > 0 ? .item(.field($0)) : nil }
        default: return nil
        }
    }

    /// Whether the word stands once for each item.
    var holdsItem: Bool { parts.contains(where: \.isItem) }

    /// The bytes that a placeholder of the chunk stands for at the most: 2^63 has 19 digits.
    private static let longestNumber = 19

    /// How long the word may become: a number of bytes, and so many times the item's.
    var longest: (fixed: Int, items: Int) {
        parts.reduce((0, 0)) { sum, part in
            switch part {
            case .text(let bytes): (sum.0 + bytes.count, sum.1)
            case .item: (sum.0, sum.1 + 1)
            case .chunkNumber, .slot: (sum.0 + Self.longestNumber, sum.1)
            }
        }
    }

    /// The word with everything in its place.
    ///
    /// - Parameter separator: between the fields of an item.
    func filled(
        item: ArraySlice<UInt8>, separator: [UInt8], chunk: Int, slot: Int
    ) -> [UInt8] {
        parts.reduce(into: []) { word, part in
            switch part {
            case .text(let bytes): word += bytes
            case .item(let itemPart): word += itemPart.taken(from: item, separator: separator)
            case .chunkNumber: word += Array("\(chunk)".utf8)
            case .slot: word += Array("\(slot)".utf8)
            }
        }
    }
}

extension Template.Part {
    fileprivate var isItem: Bool { if case .item = self { true } else { false } }
    fileprivate var isField: Bool { if case .item(.field) = self { true } else { false } }
}

/// What of an item stands in a placeholder's place, as GNU parallel has it.
enum ItemPart: Equatable {
    case whole, baseName, directory, withoutExtension, baseNameWithoutExtension
    /// The field of this number, from 1; nothing where the item has fewer.
    case field(Int)

    func taken(from item: ArraySlice<UInt8>, separator: [UInt8]) -> ArraySlice<UInt8> {
        switch self {
        case .whole: return item
        case .baseName: return behindLastSlash(item)
        case .directory: return directoryName(item)
        case .withoutExtension: return cutExtension(item)
        case .baseNameWithoutExtension: return cutExtension(behindLastSlash(item))
        case .field(let number):
            let all = fields(item, separator: separator)
            return number <= all.count ? all[number - 1] : []
        }
    }
}

private let slash = UInt8(ascii: "/")

/// What is behind the last slash.
private func behindLastSlash(_ path: ArraySlice<UInt8>) -> ArraySlice<UInt8> {
    path.lastIndex(of: slash).map { path[($0 + 1)...] } ?? path
}

/// As dirname(1) has it (POSIX.1-2024, XCU, dirname).
private func directoryName(_ path: ArraySlice<UInt8>) -> ArraySlice<UInt8> {
    func trimmed(_ path: ArraySlice<UInt8>) -> ArraySlice<UInt8> {
        path.lastIndex { $0 != slash }.map { path[...$0] } ?? path.prefix(1)
    }
    let name = trimmed(path)
    if name.first == slash && name.count == 1 { return name }
    guard let end = name.lastIndex(of: slash) else { return [UInt8(ascii: ".")] }
    return trimmed(name[...end])
}

/// Without the last dot of the base name and what is behind it.
private func cutExtension(_ path: ArraySlice<UInt8>) -> ArraySlice<UInt8> {
    guard let dot = path.lastIndex(of: UInt8(ascii: ".")), dot >= behindLastSlash(path).startIndex
    else { return path }
    return path[..<dot]
}

/// An item cut at each separator.
func fields(_ item: ArraySlice<UInt8>, separator: [UInt8]) -> [ArraySlice<UInt8>] {
    guard let first = separator.first else { return [item] }
    var found: [ArraySlice<UInt8>] = []
    var start = item.startIndex
    var index = item.startIndex
    while index < item.endIndex {
        if item[index] == first, item[index...].starts(with: separator) {
            found.append(item[start..<index])
            index += separator.count
            start = index
        } else {
            index += 1
        }
    }
    return found + [item[start...]]
}
