/// The events of the main loop. A worker is identified by its slot, which fits into a token
/// together with the kind of event.
enum Event {
    case signals, items, reader, jobserver, clientLeft, poolEnded
    case input(Int)
    case output(Int)
    case errors(Int)

    var token: UInt64 {
        switch self {
        case .signals: 0
        case .items: 1
        case .reader: 2
        case .jobserver: 3
        case .input(let slot): UInt64(slot) << 2
        case .output(let slot): UInt64(slot) << 2 | 1
        case .errors(let slot): UInt64(slot) << 2 | 2
        case .clientLeft: 7
        case .poolEnded: 11
        }
    }

    init(token: UInt64) {
        let slot = Int(token >> 2)
        switch (slot, token & 3) {
        case (0, 0): self = .signals
        case (0, 1): self = .items
        case (0, 2): self = .reader
        case (0, _): self = .jobserver
        case (_, 0): self = .input(slot)
        case (_, 1): self = .output(slot)
        case (_, 2): self = .errors(slot)
        case (1, _): self = .clientLeft
        default: self = .poolEnded
        }
    }
}
