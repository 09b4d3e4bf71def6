import Shared

/// A simulated process: a script, and how it takes signals.
final class Process {
    enum Step {
        /// Microseconds.
        case pause(Int)
        case readAll
        /// To descriptor 1 or 2.
        case write(Int, [UInt8])
        case close(Int)
        case fork(Child)
        case stop(Int32)
        case exit(Int32)
        case die(Int32)
        /// Read this pipe: the reader of standard output.
        case consume
        /// Answer items, as a persistent worker.
        case serve(Service)
        /// Use the slots that pmap shares, or serve them.
        case useSlots(SlotClient)
        case serveSlots(SlotClient)
    }

    struct Child {
        var script: [Step]
        /// In a session of its own, where no signal to the group reaches it.
        var isDetached = false
        var ignoresTerm = false
    }

    enum State { case running, stopped, zombie, gone }

    /// How it takes a signal that would end it.
    enum Reaction {
        case dies, ignores
        /// Does this and goes on with nothing else.
        case handles([Step])
    }

    let id: pid_t
    var group: pid_t
    let isWorker: Bool
    let isStranger: Bool
    var script: [Step]
    var next = 0
    /// Bytes of the present write that are done.
    var written = 0
    /// When it goes on.
    var wake: Int
    var state = State.running
    var reaction = Reaction.dies
    var pending: [Int32] = []
    /// Whether somebody continues it at `wake`, as a user does whom it asked for something.
    var isContinuedLater = false
    /// A stop that was not reported yet.
    var stopReport: Int32?
    var waitStatus: Int32 = 0
    /// Pipes by descriptor: 0, 1 and 2.
    var pipes: [Int?] = [nil, nil, nil]
    /// The attempt whose process it is, if it is a worker.
    var attempt: Int?
    /// The attempt whose process group it is in.
    var groupAttempt: Int?

    init(id: pid_t, group: pid_t, isWorker: Bool, isStranger: Bool, script: [Step], wake: Int) {
        self.id = id
        self.group = group
        self.isWorker = isWorker
        self.isStranger = isStranger
        self.script = script
        self.wake = wake
    }

    var isAlive: Bool { state == .running || state == .stopped }
}

/// An attempt to run a chunk, as the world saw it.
struct Attempt {
    let chunk: Int
    let slot: Int
    let process: pid_t
    /// What it got as arguments, or was fed.
    var items: [UInt8]
    /// What it wrote on stdout itself.
    var written: [UInt8] = []
    /// How it ended by itself; nil if a signal of pmap's ended it.
    var waitStatus: Int32?
    /// Whether pmap has sent it a signal that ends a process, before it had exited.
    var wasTold = false
    /// Whether pmap has sent its group such a signal at any time.
    var isGroupTold = false
    /// Whether it had exited when pmap sent its group such a signal for the first time.
    var wasToldLate = false
    /// Microseconds that it ran while pmap could see it.
    var started = 0
    /// Whether a read of its output failed.
    var lostOutput = false
    var isFed = false
    /// Whether it has read its standard input to the end.
    var hasReadAll = false
}

/// A simulated pipe.
struct SimulatedPipe {
    private(set) var bytes: [UInt8] = []
    private var head = 0
    var capacity: Int
    /// Open ends.
    var readers = 0
    var writers = 0

    init(capacity: Int) { self.capacity = capacity }

    var count: Int { bytes.count - head }
    var room: Int { max(0, capacity - count) }
    /// A write of at most so many bytes is not split: PIPE_BUF.
    var atOnce: Int { min(capacity, 4096) }
    /// What poll(2) says.
    var isWritable: Bool { room >= atOnce || readers == 0 }

    func bytes(first count: Int) -> ArraySlice<UInt8> { bytes[head..<(head + count)] }

    mutating func append(_ added: some Sequence<UInt8>) { bytes += added }

    mutating func take(_ count: Int) -> ArraySlice<UInt8> {
        let taken = bytes[head..<(head + count)]
        head += count
        if head == bytes.count {
            bytes = []
            head = 0
        }
        return taken
    }
}
