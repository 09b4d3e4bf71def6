import Shared
import Testing

@testable import pmap

struct ArgumentVectorTests {
    @Test(arguments: [
        ("a\nbc\n\nd\n", UInt8(ascii: "\n"), 4), ("\n", UInt8(ascii: "\n"), 1),
        ("a\nbc", UInt8(ascii: "\n"), 2), ("a\0\0b c\0", 0, 3), ("a\nb\0c", 0, 2),
    ])
    func eachItemIsAWord(text: String, delimiter: UInt8, itemCount: Int) throws {
        let chunk = Chunk(number: 1, itemCount: itemCount, bytes: Array(text.utf8))
        var arguments = ArgumentVector([Array("name".utf8), []])
        arguments.append(itemsOf: chunk, delimiter: delimiter)
        arguments.append("last".utf8)

        let items = chunk.items(delimiter: delimiter).map { Array($0) }
        let words = [Array("name".utf8), []] + items + [Array("last".utf8)]
        #expect(items.count == itemCount)
        #expect(arguments.words == words)
        #expect(arguments.count == words.count)
        let strings = try unsafe arguments.withPointers { pointers throws(Errno) in
            #expect(unsafe pointers.last! == nil)
            return unsafe pointers.dropLast().map { unsafe String(cString: $0!) }
        }
        #expect(strings == words.map { String(decoding: $0, as: UTF8.self) })
    }
}
