import Shared

/// What the loop waits for. Workers go by their slots, which fit into a token with the kind.
enum Event {
    case signals, items, reader, jobserver, clientLeft
    case input(slot: Int)
    case output(slot: Int)
    case errors(slot: Int)

    var token: UInt64 {
        switch self {
        case .signals: 0
        case .items: 1
        case .reader: 2
        case .jobserver: 3
        case .clientLeft: 7
        case .input(let slot): UInt64(slot) << 2
        case .output(let slot): UInt64(slot) << 2 | 1
        case .errors(let slot): UInt64(slot) << 2 | 2
        }
    }

    init(token: UInt64) {
        let slot = Int(token >> 2)
        switch (slot, token & 3) {
        case (0, 0): self = .signals
        case (0, 1): self = .items
        case (0, 2): self = .reader
        case (0, _): self = .jobserver
        case (_, 0): self = .input(slot: slot)
        case (_, 1): self = .output(slot: slot)
        case (_, 2): self = .errors(slot: slot)
        default: self = .clientLeft
        }
    }
}

/// Whether the poller watches a descriptor that pmap was given.
enum Watch {
    case none, active
    /// It is a file that is always ready, which no poller takes.
    case needless
}

extension Duration {
    /// Later than any time that comes.
    static let never = Duration.seconds(Int64.max >> 8)
}

extension Pool {
    /// Waits until something can be done.
    ///
    /// - Parameter isBusy: whether there is more to do at once.
    func wait(isBusy: Bool) -> [Event] {
        resumePaused()
        let wantsItems =
            ending == nil && !startsNoMore && (source.wantsMore || needsItems) && !source.atEnd
        let wantsReader = output.waitsForReader && ending == nil
        noteWhetherStuck(wantsReader)
        let items = watch(source.descriptor, wantsItems, &itemsWatch, .items, .reading)
        let reader = watch(output.descriptor, wantsReader, &readerWatch, .reader, .writing)
        let slot = watchJobserver()
        let ready = [items, reader, slot].compactMap { $0 }
        let time = isBusy || !ready.isEmpty ? 0 : timeout()
        return ready + poller.wait(milliseconds: time).map(Event.init)
    }

    /// Watches a descriptor, or no longer.
    ///
    /// - Returns: the event, where it need not be waited for.
    private func watch(
        _ descriptor: FileDescriptor, _ isWanted: Bool, _ watch: inout Watch, _ event: Event,
        _ interest: Poller.Interest
    ) -> Event? {
        switch (watch, isWanted) {
        case (.none, true):
            do {
                try poller.add(descriptor, for: interest, token: event.token)
                watch = .active
                return nil
            } catch  where error == .notPermitted {
                watch = .needless
                return event
            } catch {
                // To read what is not watched might wait for ever, so it waits for memory.
                look(at: monotonicTime() + Self.pause)
                return nil
            }
        case (.active, false):
            poller.remove(descriptor)
            watch = .none
            return nil
        case (.needless, true): return event
        default: return nil
        }
    }

    private func watchJobserver() -> Event? {
        guard let descriptor = jobserver?.descriptor else { return nil }
        return watch(
            descriptor, isShortOfSlots && ending == nil && !startsNoMore, &jobserverWatch,
            .jobserver, .reading)
    }

    /// How often it is asked whether the slot is free that a command of `--pool` was started
    /// on: nothing tells.
    private static let firstSlotPause = Duration.milliseconds(100)

    /// How long standard output may take nothing before a slot is lent.
    private static let stuckPause = Duration.seconds(1)

    /// A map that is kept from printing waits for its reader, which may be a map that waits
    /// for a slot, for ever if nobody lent it one. With a slot of its own no map waits so.
    private func noteWhetherStuck(_ waitsForReader: Bool) {
        if !waitsForReader || jobserver?.sharesFirstSlot != true {
            lendTime = .never
        } else if lendTime == .never {
            lendTime = monotonicTime() + Self.stuckPause
        }
    }

    /// Whether a worker could be started if a chunk were full.
    private var needsItems: Bool {
        hasRoom && waiting.isEmpty
    }

    /// How long nothing has to be done: milliseconds, rounded up; -1 for ever.
    private func timeout() -> Int32 {
        var next = min(display.deadline ?? .never, nextLook, lendTime)
        if isShortOfSlots && jobserver?.mayGetFirstSlot == true {
            next = min(next, monotonicTime() + Self.firstSlotPause)
        }
        if vainStarts > 0 && !isShortOfSlots && hasRoom && !waiting.isEmpty && !startsNoMore {
            next = min(next, nextStart)
        }
        let left = next - monotonicTime()
        if left > .seconds(86400) { return -1 }
        return left <= .zero ? 0 : Int32(clamping: Int((left / .milliseconds(1)).rounded(.up)))
    }

    func handle(_ event: Event) throws(WriteError) {
        switch event {
        case .signals: for signal in signals.received() { handle(signal.number) }
        case .items: readItems()
        case .jobserver: break  // The next turn tries to take it.
        case .clientLeft: jobserver?.replaceLostTokens()
        case .reader:
            display.eraseForOutput()
            try output.flush()
            lendTime = .never
        case .input(let slot): if let worker = workersBySlot[slot] { feed(worker) }
        case .errors(let slot): if let worker = workersBySlot[slot] { readErrors(worker) }
        case .output(let slot): if let worker = workersBySlot[slot] { try readOutput(worker) }
        }
    }

    // MARK: Workers' pipes

    /// Watches the pipes of a worker that is about to be started.
    func watchPipes(of worker: Worker) throws(Errno) {
        let slot = worker.slot
        if let input = worker.input?.descriptor {
            try poller.add(input, for: .writing, token: Event.input(slot: slot).token)
        }
        if let file = worker.output?.descriptor {
            try poller.add(file, for: .reading, token: Event.output(slot: slot).token)
        }
        if let errors = worker.errors?.descriptor {
            try poller.add(errors, for: .reading, token: Event.errors(slot: slot).token)
        }
    }

    /// No longer watches a worker's output, since it must not be read yet.
    func pause(_ worker: Worker) {
        guard let file = worker.output?.descriptor else { return }
        poller.remove(file)
        paused.append(worker)
    }

    /// Watches the output that may be read again.
    private func resumePaused() {
        paused.removeAll { worker in
            guard let file = worker.output?.descriptor else { return true }
            guard ending != nil || output.takes(worker.chunk.number) else { return false }
            let token = Event.output(slot: worker.slot).token
            do {
                try poller.add(file, for: .reading, token: token)
                return true
            } catch {
                look(at: monotonicTime() + Self.pause)
                return false
            }
        }
    }

    /// A worker closed its stdout. Most often it is about to exit: to be woken for its
    /// stderr and then for the exit costs more than all else, so its stderr rests meanwhile.
    func restErrors(of worker: Worker) {
        guard worker.outcome == nil else { return }
        guard let errors = worker.errors?.descriptor else {
            return look(at: monotonicTime() + Self.silence)
        }
        poller.remove(errors)
        worker.errorsRestUntil = monotonicTime() + .milliseconds(10)
        look(at: worker.errorsRestUntil)
    }

    func watchErrors(of worker: Worker) {
        worker.errorsRestUntil = .never
        guard let errors = worker.errors?.descriptor else { return }
        do {
            try poller.add(errors, for: .reading, token: Event.errors(slot: worker.slot).token)
        } catch {
            worker.errorsRestUntil = monotonicTime() + Self.pause
            look(at: worker.errorsRestUntil)
        }
    }

    // MARK: Times

    /// Has the workers looked at no later than at this time.
    func look(at time: Duration) { nextLook = min(nextLook, time) }

    /// How often a worker that closed its output is asked whether it has ended, should
    /// its signal be lost.
    static let silence = Duration.milliseconds(500)

    /// Does what it is time for.
    func act(at now: Duration) {
        if now >= lendTime {
            jobserver?.lend()
            lendTime = now + Self.stuckPause
        }
        if now < nextLook { return }
        nextLook = .never
        var asks = false
        for worker in workers.values {
            if worker.timeoutTime <= now {
                worker.timeoutTime = .never
                if worker.outcome == nil {
                    worker.isTimedOut = true
                    worker.end(with: SIGTERM, killTime: now + settings.killAfter)
                }
            }
            if worker.killTime <= now {
                worker.killTime = .never
                worker.signal(SIGKILL)
            }
            if worker.closingTime <= now, !worker.isDone { abandonPipes(worker) }
            if worker.errorsRestUntil <= now { watchErrors(of: worker) }
            if worker.isSilent && worker.outcome == nil {
                asks = true
                look(at: now + Self.silence)
            }
            look(at: worker.nextTime)
        }
        if asks { reap() }
    }
}
