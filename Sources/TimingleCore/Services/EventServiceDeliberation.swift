/// Decides one request about one event.
///
/// Pure: it sees the event as it is under its lock, and says what is to be written. Every rule about who may do what in
/// which state is here and nowhere else.
struct EventDeliberation {
    static let participantsMax = 100

    private let requester: Requester
    private let now: Timestamp
    private let evidence: EventEvidence
    /// The event as it will be.
    private var next: EventSnapshot
    private var decision = EventDecision()

    init(_ snapshot: EventSnapshot, requester: Requester, now: Timestamp) {
        self.requester = requester
        self.now = now
        self.evidence = EventEvidence(requester: requester)
        self.next = snapshot
    }

    /// What came out: nothing at all, or the row, the participants and their evidence.
    var outcome: EventDecision {
        var outcome = self.decision
        if !outcome.changes.isEmpty { outcome.event = self.next.event }
        return outcome
    }

    // MARK: The event

    /// The creator confirms the event, a participant confirms that he comes.
    mutating func confirm() throws(ServiceError) {
        switch self.next.membership(of: self.requester.userID) {
        case .creator: try self.move(to: .confirmed)
        case .participant: try self.answer(.accepted)
        case .stranger: throw .eventAccessDenied
        }
    }

    mutating func cancel(reason: String?) throws(ServiceError) {
        try self.requireCreator()
        guard self.next.event.status != .canceled else { return }
        try self.move(to: .canceled, metadata: reason.map { ["reason": $0] } ?? [:])
    }

    mutating func finish() throws(ServiceError) {
        try self.requireCreator()
        try self.move(to: .done)
    }

    mutating func update(_ patch: EventPatch) throws(ServiceError) {
        try self.requireCreator()
        if patch.namesFields {
            try self.requireOpen()
            try self.updateFields(patch)
        }
        if let status = patch.status, status != self.next.event.status { try self.move(to: status) }
    }

    private mutating func updateFields(_ patch: EventPatch) throws(ServiceError) {
        let old = self.next.event
        var new = old
        if let title = patch.title { new.title = title }
        if let description = patch.description { new.description = description }
        if let location = patch.location { new.location = location }
        if let start = patch.startTime { new.startTime = start }
        if let end = patch.endTime { new.endTime = end }
        try EventInput.checkTimes(start: new.startTime, end: new.endTime)

        var lines = Self.differences(old, new)
        guard !lines.isEmpty else { return }
        self.next.event = new
        let isMoved = old.startTime != new.startTime || old.endTime != new.endTime || old.location != new.location
        var metadata: [String: String] = [:]
        if old.status == .confirmed, isMoved, let line = self.resetAcceptances() {
            lines.append(line)
            metadata["acceptances"] = "RESET"
        }
        self.record(.updated, metadata: metadata, lines)
    }

    /// Who said yes to another time or place has not said yes to this one.
    private mutating func resetAcceptances() -> EventEvidence.Line? {
        let accepted = self.next.participants.filter { $0.status == .accepted }
        guard !accepted.isEmpty else { return nil }
        let pending = accepted.map { participant in
            var participant = participant
            participant.status = .pending
            participant.respondedAt = nil
            return participant
        }
        for participant in pending { self.write(.set(participant)) }
        return EventEvidence.Line(
            field: "participants",
            old: EventValue.participants(accepted),
            new: EventValue.participants(pending)
        )
    }

    private mutating func move(to status: EventStatus, metadata: [String: String] = [:]) throws(ServiceError) {
        let old = self.next.event.status
        guard old.canBecome(status) else { throw .refusedMove(from: old) }
        if status == .done {
            guard self.now >= self.next.event.endTime else { throw .eventNotOver }
        }
        self.next.event.status = status
        let line = EventEvidence.Line(
            field: "status",
            old: EventValue.status(old),
            new: EventValue.status(status)
        )
        let type: ChangeType =
            switch status {
            case .confirmed: .confirmed
            case .canceled: .canceled
            case .done: .done
            case .proposed: .updated
            }
        self.record(type, metadata: metadata, [line])
    }

    // MARK: Participants

    /// Sets the requester's own answer; the creator, who always comes, changes nothing by it.
    mutating func answer(_ status: ParticipantStatus) throws(ServiceError) {
        if self.next.membership(of: self.requester.userID) == .creator { return }
        guard let old = self.next.participant(self.requester.userID) else { throw .eventAccessDenied }
        try self.requireOpen()
        guard old.status != status else { return }
        var new = old
        new.status = status
        new.respondedAt = self.nextTime
        self.write(.set(new))
        let line = EventEvidence.Line(
            field: "participants",
            old: EventValue.participant(old),
            new: EventValue.participant(new)
        )
        self.record(status == .declined ? .participantDeclined : .participantAccepted, subject: new, [line])
        try self.confirmIfAllAccepted()
    }

    /// `invitee` is nil when there is nobody of that number whom the creator may invite.
    mutating func add(_ user: UserID, invitee: Participant?) throws(ServiceError) {
        try self.requireCreator()
        try self.requireOpen()
        let old = self.next.participant(user)
        guard user != self.next.event.creatorID, old == nil || old?.status == .declined else {
            throw .participantAlreadyAdded
        }
        guard var new = invitee else { throw .userNotFound }
        guard old != nil || self.next.participants.count < Self.participantsMax else {
            throw .eventFull(participantsMax: Self.participantsMax)
        }
        new.status = .pending
        new.invitedBy = self.requester.userID
        new.invitedAt = self.nextTime
        new.respondedAt = nil
        new.inviteMethod = .creator
        self.write(.set(new))
        let line = EventEvidence.Line(
            field: "participants",
            old: old.map(EventValue.participant),
            new: EventValue.participant(new)
        )
        self.record(.participantAdded, subject: new, [line])
    }

    mutating func remove(_ user: UserID) throws(ServiceError) {
        switch self.next.membership(of: self.requester.userID) {
        case .creator: break
        case .participant where user == self.requester.userID: break
        case .participant, .stranger: throw .eventAccessDenied
        }
        try self.requireOpen()
        guard let old = self.next.participant(user) else { throw .participantNotFound }
        self.write(.remove(user))
        let line = EventEvidence.Line(field: "participants", old: EventValue.participant(old), new: nil)
        self.record(.participantRemoved, subject: old, [line])
        try self.confirmIfAllAccepted()
    }

    /// A proposed event is confirmed as soon as everybody who has not declined has accepted, if there is anybody.
    private mutating func confirmIfAllAccepted() throws(ServiceError) {
        let open = self.next.participants.filter { $0.status != .declined }
        guard
            self.next.event.status == .proposed, !open.isEmpty,
            open.allSatisfy({ $0.status == .accepted })
        else { return }
        try self.move(to: .confirmed, metadata: ["automatic": "true", "reason": "ALL_ACCEPTED"])
    }

    // MARK: What all share

    private func requireCreator() throws(ServiceError) {
        guard self.requester.userID == self.next.event.creatorID else { throw .eventAccessDenied }
    }

    private func requireOpen() throws(ServiceError) {
        guard !self.next.event.status.isTerminal else { throw .refusedMove(from: self.next.event.status) }
    }

    /// Later than every earlier change of the event, also when this machine's clock is behind another's.
    private var nextTime: Timestamp { max(self.now, self.next.event.updatedAt + .milliseconds(1)) }

    private mutating func write(_ change: ParticipantChange) {
        self.decision.participants.append(change)
        self.next = self.next.applying(EventDecision(participants: [change]))
    }

    private mutating func record(
        _ type: ChangeType,
        subject: Participant? = nil,
        metadata: [String: String] = [:],
        _ lines: [EventEvidence.Line]
    ) {
        let time = self.nextTime
        self.next.event.updatedAt = time
        self.decision.changes.append(
            self.evidence.change(
                type,
                of: self.next.event.id,
                at: time,
                subjectName: subject.map { $0.displayName ?? $0.name },
                metadata: metadata,
                lines
            )
        )
    }

    private static func differences(_ old: Event, _ new: Event) -> [EventEvidence.Line] {
        var lines: [EventEvidence.Line] = []
        func compare(_ field: String, _ old: String?, _ new: String?) {
            if old != new { lines.append(EventEvidence.Line(field: field, old: old, new: new)) }
        }
        compare("title", EventValue.text(old.title), EventValue.text(new.title))
        compare("description", EventValue.text(old.description), EventValue.text(new.description))
        compare("location", EventValue.text(old.location), EventValue.text(new.location))
        compare("start_time", EventValue.time(old.startTime), EventValue.time(new.startTime))
        compare("end_time", EventValue.time(old.endTime), EventValue.time(new.endTime))
        return lines
    }
}

extension EventPatch {
    /// Whether it says anything beside the status.
    fileprivate var namesFields: Bool {
        self.title != nil || self.description != nil || self.location != nil || self.startTime != nil
            || self.endTime != nil
    }
}
