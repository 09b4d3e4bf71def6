import Shared

/// The descriptors that are watched only at times: the items, standard output, and the jobserver's
/// pipe. `WorkerTable` watches those of the workers.
struct Watches<S: System>: ~Copyable {
    private let system: S
    private var items = Watch.none
    /// The file of the items that `items` is about. The next one comes after its end.
    private var itemsDescriptor: FileDescriptor?
    private var reader = Watch.none
    private var jobserver = Watch.none
    /// Whether a descriptor could not be watched; this is retried soon.
    private(set) var mustRetry = false

    private enum Watch {
        case none, active
        /// A file that is always ready, which pollers do not accept.
        case needless
    }

    init(_ system: S) { self.system = system }

    /// Watches exactly the wanted descriptors.
    ///
    /// - Returns: the events that are ready without waiting.
    mutating func want(
        items: Bool, reader: Bool, jobserver: Bool,
        of all: (items: FileDescriptor, reader: FileDescriptor, jobserver: FileDescriptor?)
    ) -> [Event] {
        mustRetry = false
        if all.items != itemsDescriptor {
            if let old = itemsDescriptor, self.items == .active { system.stopWatching(old) }
            self.items = .none
            itemsDescriptor = all.items
        }
        self.items = set(self.items, items, all.items, .items, .reading)
        self.reader = set(self.reader, reader, all.reader, .reader, .writing)
        var ready: [Event] = []
        if items && self.items == .needless { ready.append(.items) }
        if reader && self.reader == .needless { ready.append(.reader) }
        if let pipe = all.jobserver {
            self.jobserver = set(self.jobserver, jobserver, pipe, .jobserver, .reading)
        }
        return ready
    }

    private mutating func set(
        _ watch: Watch, _ isWanted: Bool, _ descriptor: FileDescriptor, _ event: Event,
        _ interest: Poller.Interest
    ) -> Watch {
        switch (watch, isWanted) {
        case (.none, true):
            do {
                try system.watch(descriptor, for: interest, token: event.token)
                return .active
            } catch  where error == .notPermitted {
                return .needless
            } catch {
                // Reading an unwatched descriptor might block for ever, so retry when memory is
                // free.
                mustRetry = true
                return .none
            }
        case (.active, false):
            system.stopWatching(descriptor)
            return .none
        default: return watch
        }
    }
}
