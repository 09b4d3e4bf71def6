import Shared

/// One word of the command line, split at its placeholders.
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
    ///   - takesItems: whether items are arguments; if not, only `{#}` and `{%}` are
    ///     placeholders.
    ///   - takesFields: whether `{1}`, `{2}` ... are placeholders too.
    init(_ word: [UInt8], takesItems: Bool, takesFields: Bool) {
        self.init(word) { rest in
            // Only look as far as a name can reach. A search through the whole word from each of
            // many opening braces would take quadratic time.
            let near = rest.prefix(Self.longestName + 2)
            guard let close = near.firstIndex(of: UInt8(ascii: "}")),
                let part = Self.placeholder(near[(near.startIndex + 1)..<close]),
                takesItems || !part.isItem, takesFields || !part.isField
            else { return nil }
            return (part, close + 1 - rest.startIndex)
        }
    }

    /// A word with the user's own placeholder (`-I`); nothing else in it is replaced.
    ///
    /// - Parameter placeholder: not empty.
    init(_ word: [UInt8], placeholder: [UInt8]) {
        self.init(word, opening: placeholder[0]) { rest in
            rest.starts(with: placeholder) ? (.item(.whole), placeholder.count) : nil
        }
    }

    /// - Parameters:
    ///   - opening: the first byte of every placeholder.
    ///   - match: takes the rest of the word from an opening byte on; returns the placeholder there
    ///     and its length, or nil if there is none.
    private init(
        _ word: [UInt8], opening: UInt8 = UInt8(ascii: "{"),
        _ match: (ArraySlice<UInt8>) -> (part: Part, length: Int)?
    ) {
        var parts: [Part] = []
        var text: [UInt8] = []
        var rest = word[...]
        while let byte = rest.first {
            if byte == opening, let (part, length) = match(rest) {
                if !text.isEmpty { parts.append(.text(text)) }
                text = []
                parts.append(part)
                rest = rest.dropFirst(length)
            } else {
                text.append(byte)
                rest = rest.dropFirst()
            }
        }
        if !text.isEmpty || parts.isEmpty { parts.append(.text(text)) }
        self.parts = parts
    }

    /// Bytes of the longest name between braces, which is a field's number.
    private static let longestName = 9

    private static func placeholder(_ name: ArraySlice<UInt8>) -> Part? {
        switch String(decoding: name, as: UTF8.self) {
        case "": return .item(.whole)
        case "/": return .item(.baseName)
        case "//": return .item(.directory)
        case ".": return .item(.withoutExtension)
        case "/.": return .item(.baseNameWithoutExtension)
        case "#": return .chunkNumber
        case "%": return .slot
        case let digits where digits.allSatisfy { $0.isASCII && $0.isNumber }:
            return Int(digits).flatMap { $0 > 0 ? .item(.field($0)) : nil }
        default: return nil
        }
    }

    /// Whether the word is repeated for each item.
    var holdsItem: Bool { parts.contains(where: \.isItem) }

    /// The most bytes that the number of a chunk or slot can take: 2^63 has 19 digits.
    private static let longestNumber = 19

    /// Bytes of the word without the parts that come from items. Numbers count with their greatest
    /// length.
    var fixedLength: Int {
        parts.reduce(0) { sum, part in
            switch part {
            case .text(let bytes): sum + bytes.count
            case .item: sum
            case .chunkNumber, .slot: sum + Self.longestNumber
            }
        }
    }

    /// How many times the word contains the whole item; nil if it contains parts of an item.
    var wholeItems: Int? {
        parts.allSatisfy { !$0.isItem || $0 == .item(.whole) } ? parts.count(where: \.isItem) : nil
    }

    /// Returns the bytes of the word after an item is filled in, or a few more.
    ///
    /// - Parameter fields: the fields of the item.
    func length(item: ArraySlice<UInt8>, fields: [ArraySlice<UInt8>]) -> Int {
        parts.reduce(fixedLength) { sum, part in
            guard case .item(let itemPart) = part else { return sum }
            return sum + itemPart.taken(from: item, fields: fields).count
        }
    }

    /// Appends the word to bytes, with all placeholders filled in.
    ///
    /// - Parameter fields: the fields of the item; needed only for `{1}`, `{2}` ...
    func fill(
        into bytes: inout [UInt8], item: ArraySlice<UInt8>, fields: [ArraySlice<UInt8>],
        chunk: Int, slot: Int
    ) {
        for part in parts {
            switch part {
            case .text(let text): bytes += text
            case .item(.whole): bytes += item
            case .item(let itemPart): bytes += itemPart.taken(from: item, fields: fields)
            case .chunkNumber: bytes += Array("\(chunk)".utf8)
            case .slot: bytes += Array("\(slot)".utf8)
            }
        }
    }
}

extension Template.Part {
    var holdsBlank: Bool {
        if case .text(let bytes) = self { bytes.contains(UInt8(ascii: " ")) } else { false }
    }

    var isItem: Bool { if case .item = self { true } else { false } }
    fileprivate var isField: Bool { if case .item(.field) = self { true } else { false } }
}

/// The part of an item that replaces a placeholder, as in GNU parallel.
enum ItemPart: Equatable {
    case whole, baseName, directory, withoutExtension, baseNameWithoutExtension
    /// The field with this number, from 1; empty if the item has fewer fields.
    case field(Int)

    func taken(
        from item: ArraySlice<UInt8>, fields: [ArraySlice<UInt8>]
    ) -> ArraySlice<UInt8> {
        switch self {
        case .whole: return item
        case .baseName: return behindLastSlash(item)
        case .directory: return directoryName(item)
        case .withoutExtension: return cutExtension(item)
        case .baseNameWithoutExtension: return cutExtension(behindLastSlash(item))
        case .field(let number): return number <= fields.count ? fields[number - 1] : []
        }
    }
}

private let slash = UInt8(ascii: "/")

/// Returns the part after the last slash.
private func behindLastSlash(_ path: ArraySlice<UInt8>) -> ArraySlice<UInt8> {
    path.lastIndex(of: slash).map { path[($0 + 1)...] } ?? path
}

/// Returns the same as dirname(1) (POSIX.1-2024, XCU, dirname).
private func directoryName(_ path: ArraySlice<UInt8>) -> ArraySlice<UInt8> {
    func trimmed(_ path: ArraySlice<UInt8>) -> ArraySlice<UInt8> {
        path.lastIndex { $0 != slash }.map { path[...$0] } ?? path.prefix(1)
    }
    let name = trimmed(path)
    guard let end = name.lastIndex(of: slash) else { return [UInt8(ascii: ".")] }
    return trimmed(name[...end])
}

/// Removes the last dot of the base name and everything after it.
private func cutExtension(_ path: ArraySlice<UInt8>) -> ArraySlice<UInt8> {
    guard let dot = path.lastIndex(of: UInt8(ascii: ".")), dot >= behindLastSlash(path).startIndex
    else { return path }
    return path[..<dot]
}

/// Splits an item at each separator.
func fields(_ item: ArraySlice<UInt8>, separator: [UInt8]) -> [ArraySlice<UInt8>] {
    guard let first = separator.first else { return [item] }
    var found: [ArraySlice<UInt8>] = []
    var start = item.startIndex
    unsafe item.withUnsafeBytes { bytes in
        var from = 0
        while let place = unsafe firstOffset(
            of: first, in: UnsafeRawBufferPointer(rebasing: bytes[from...])
        ) {
            let index = item.startIndex + from + place
            if separator.count == 1 || item[index...].starts(with: separator) {
                found.append(item[start..<index])
                start = index + separator.count
                from = start - item.startIndex
            } else {
                from += place + 1
            }
        }
    }
    found.append(item[start...])
    return found
}
