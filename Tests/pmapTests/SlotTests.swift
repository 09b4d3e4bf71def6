import Shared
import Testing

@testable import pmap

/// The pipe of a jobserver, with the lock on it that stands for the first slot.
private final class TokenPipe {
    var bytes: [UInt8]
    var owner: ObjectIdentifier?
    var isHungUp = false
    /// How many tokens were ever taken out.
    var taken = 0

    init(_ bytes: [UInt8]) { self.bytes = bytes }

    var freeSlots: Int { bytes.count + (owner == nil ? 1 : 0) }
}

private final class Client: TokenSystem {
    private let pipe: TokenPipe
    var now = Duration.seconds(50)
    private(set) var closed = 0

    init(_ pipe: TokenPipe) { self.pipe = pipe }

    /// - Parameter slots: the number of slots, if it serves them itself.
    func jobserver(shares: Bool, serving slots: Int? = nil) -> Jobserver<Client> {
        Jobserver(
            self, reading: FileDescriptor(100), writing: FileDescriptor(101),
            sharesFirstSlot: shares, served: slots.map { ServedSlots(count: $0, watch: nil) })
    }

    func read(
        _ descriptor: FileDescriptor, into buffer: UnsafeMutableRawBufferPointer
    ) throws(Errno) -> Int {
        if pipe.bytes.isEmpty {
            if pipe.isHungUp { return 0 }
            throw .wouldBlock
        }
        let count = min(buffer.count, pipe.bytes.count)
        for index in 0..<count { buffer[index] = pipe.bytes.removeFirst() }
        pipe.taken += count
        return count
    }

    func writeAll(_ bytes: [UInt8], to descriptor: FileDescriptor) { pipe.bytes += bytes }

    func lock(_ descriptor: FileDescriptor) -> Bool {
        if pipe.owner != nil { return false }
        pipe.owner = ObjectIdentifier(self)
        return true
    }

    func unlock(_ descriptor: FileDescriptor) {
        #expect(pipe.owner == ObjectIdentifier(self), "another one's slot is given back")
        pipe.owner = nil
    }

    func unreadBytes(in pipe: FileDescriptor) -> Int { self.pipe.bytes.count }
    func hasHungUp(_ descriptor: FileDescriptor) -> Bool { pipe.isHungUp }
    func reopenForWriting(_ descriptor: FileDescriptor) -> FileDescriptor { FileDescriptor(102) }
    func close(_ descriptor: FileDescriptor) { closed += 1 }
    func stopWatching(_ descriptor: FileDescriptor) {}
}

/// Slots that several processes share: none is lost, none is made, and each byte goes back.
@Suite struct SlotTests {
    /// What a client should have, counted in another way than by tokens.
    private struct Share {
        var taken = 0
        var lent = 0
    }

    @Test(arguments: 0...4, UInt64(1)...10) func slotsAreNeitherLostNorMade(
        _ tokens: Int, seed: UInt64
    ) {
        var random = SeededGenerator(seed: seed)
        let bytes = (0..<tokens).map { _ in UInt8.random(in: 0...255, using: &random) }
        let pipe = TokenPipe(bytes)
        let systems = (0..<3).map { _ in Client(pipe) }
        var first = systems[0].jobserver(shares: true)
        var second = systems[1].jobserver(shares: true)
        var third = systems[2].jobserver(shares: true)
        var shares = [Share](repeating: Share(), count: 3)

        func act(_ client: inout Jobserver<Client>, _ share: inout Share) {
            var free = pipe.freeSlots
            switch Int.random(in: 0..<5, using: &random) {
            case 0, 1:
                // What was lent is taken back first.
                let back = min(share.lent, free)
                share.lent -= back
                free -= back
                let isTaken = client.take()
                #expect(isTaken == (share.lent == 0 && free > 0))
                if isTaken {
                    share.taken += 1
                    free -= 1
                }
            case 2 where share.taken > 0, 3 where share.taken > 0:
                client.give()
                share.taken -= 1
                if share.lent > 0 { share.lent -= 1 } else { free += 1 }
            default:
                client.lend()
                if share.taken > share.lent {
                    share.lent += 1
                    free += 1
                }
            }
            #expect(pipe.freeSlots == free && client.slotsTaken == share.taken)
        }
        for _ in 0..<300 {
            switch Int.random(in: 0..<3, using: &random) {
            case 0: act(&first, &shares[0])
            case 1: act(&second, &shares[1])
            default: act(&third, &shares[2])
            }
            let used = shares.map { $0.taken - $0.lent }.reduce(0, +)
            #expect(used + pipe.freeSlots == tokens + 1)
        }
        for _ in 0..<shares[0].taken { first.give() }
        for _ in 0..<shares[1].taken { second.give() }
        for _ in 0..<shares[2].taken { third.give() }
        #expect(pipe.owner == nil && pipe.bytes.sorted() == bytes.sorted())
    }

    /// A recipe of make has a slot of its own, which it never gives to others.
    @Test func aFirstSlotThatIsNotSharedStays() {
        let pipe = TokenPipe([7, 8])
        var client = Client(pipe).jobserver(shares: false)
        for _ in 0..<2 {
            for left in [2, 1, 0] {
                let isTaken = client.take()
                #expect(isTaken && pipe.bytes.count == left)
            }
            let isTaken = client.take()
            #expect(!isTaken)
            client.lend()
            #expect(pipe.bytes == [])
            for left in [1, 2, 2] {
                client.give()
                #expect(pipe.bytes.count == left)
            }
        }
        #expect(pipe.bytes.sorted() == [7, 8] && pipe.owner == nil)
    }

    @Test(
        arguments: [
            // Left in the pipe; taken by the server itself; then in the pipe, if nobody else has it open.
            ([7, 8], 0, 4), ([], 0, 4), ([7, 8, 9, 1], 0, 4), ([7, 8, 9, 1, 2, 3], 0, 4),
            ([7], 1, 3),
            ([7, 8, 9, 1], 4, 0),
        ] as [([UInt8], Int, Int)])
    func lostTokensAreReplacedWhenNobodyHasAny(left: [UInt8], own: Int, after: Int) {
        let pipe = TokenPipe([UInt8](repeating: 5, count: own))
        var server = Client(pipe).jobserver(shares: false, serving: 5)
        // Its first slot is none of the tokens.
        for _ in 0...own {
            let isTaken = server.take()
            #expect(isTaken)
        }
        pipe.bytes = left
        pipe.isHungUp = true
        server.replaceLostTokens()
        #expect(pipe.bytes.count == after && pipe.bytes.starts(with: left.prefix(after)))
        for _ in 0...own { server.give() }
        #expect(pipe.bytes.count == after + own)
    }

    /// They are not even taken out for a moment, in which another process could miss them.
    @Test func tokensThatOthersStillHaveAreNotReplaced() {
        let pipe = TokenPipe([7, 8])
        var server = Client(pipe).jobserver(shares: false, serving: 5)
        server.replaceLostTokens()
        #expect(pipe.bytes == [7, 8] && pipe.taken == 0)
    }

    // MARK: When a slot is lent

    @Test func aSlotIsLentWhileAReaderStandsStill() {
        let pipe = TokenPipe([7])
        let system = Client(pipe)
        var supply = SlotSupply(system, system.jobserver(shares: true), nil)
        for _ in 0..<2 {
            let isTaken = supply.take()
            #expect(isTaken && !supply.isShort)
        }
        #expect(supply.nextTime == .never)
        supply.note(waitsForReader: true)
        #expect(supply.nextTime == system.now + .seconds(1))
        system.now += .milliseconds(900)
        supply.note(waitsForReader: true)
        #expect(supply.nextTime == system.now + .milliseconds(100))
        supply.lend(at: system.now)
        #expect(pipe.freeSlots == 0)
        system.now += .milliseconds(100)
        supply.lend(at: system.now)
        #expect(pipe.freeSlots == 1 && supply.nextTime == system.now + .seconds(1))
        // The reader came: the next pause is a new one.
        supply.readerCame()
        #expect(supply.nextTime == .never)
        supply.note(waitsForReader: true)
        supply.note(waitsForReader: false)
        #expect(supply.nextTime == .never)
        supply.give()
        supply.give()
        #expect(pipe.freeSlots == 2)
        supply.close()
    }

    /// Nothing tells that a lock is free, so it is tried again.
    @Test func aFirstSlotThatOthersHaveIsAskedForAgain() {
        let pipe = TokenPipe([])
        let (one, other) = (Client(pipe), Client(pipe))
        var holder = one.jobserver(shares: true)
        var supply = SlotSupply(other, other.jobserver(shares: true), nil)
        var isTaken = holder.take()
        #expect(isTaken)
        isTaken = supply.take()
        #expect(!isTaken && supply.isShort)
        #expect(supply.nextTime == other.now + .milliseconds(100))
        supply.wantNone()
        #expect(supply.nextTime == .never)
        holder.give()
        isTaken = supply.take()
        #expect(isTaken && supply.nextTime == .never)
        supply.give()
        supply.close()
    }
}
