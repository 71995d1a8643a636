internal import TimingleNet

/// Deadlines of requests, signs of life, and streams that nobody waits on.
extension CQLConnection {
    /// One timer for all requests: it is armed for the earliest deadline, and when it fires it looks for the next.
    func armDeadline(_ deadline: MonotonicInstant) {
        if let timer = self.deadlineTimer {
            guard deadline < self.deadlineTimerAt else { return }
            self.loop.cancel(timer)
        }
        self.deadlineTimerAt = deadline
        self.deadlineTimer = self.loop.schedule(at: deadline) { [unowned self] in self.deadlineReached() }
    }

    private func deadlineReached() {
        self.deadlineTimer = nil
        let expired = self.inFlight.expire(now: self.loop.now)
        if let next = self.inFlight.nextDeadline { self.armDeadline(next) }
        guard !expired.isEmpty else { return }
        let error = CQLError(.timeout, "no answer in time", node: self.node, wasSent: true)
        // Nothing at all has come since: it may be that the node is gone and nobody told us.
        let isSilent = expired.contains { $0.sentAt >= self.lastReadAt }
        for waiter in expired { waiter.completion(.failure(error)) }
        guard !self.isClosed else { return }
        if isSilent { self.probe() }
        self.checkOrphans()
        self.checkDrained()
    }

    /// Many streams that were given up long ago and are not answered are lost, on the server's side too.
    func checkOrphans() {
        guard self.orphanCount > self.settings.orphansMax else { return }
        guard self.inFlight.orphans(before: self.loop.now - self.settings.orphanAge) > self.settings.orphansMax else {
            return
        }
        self.end(CQLError(.connectionLost, "too many requests were never answered", node: self.node))
    }

    // MARK: Signs of life

    func armHeartbeat() {
        let interval = self.settings.heartbeatInterval
        // Where the time is up already, the question was asked in this turn.
        let due = self.lastReadAt + interval > self.loop.now ? self.lastReadAt + interval : self.loop.now + interval
        self.heartbeatTimer = self.loop.schedule(at: due) { [unowned self] in
            self.heartbeatTimer = nil
            guard self.isReady else { return }
            if self.lastReadAt + interval <= self.loop.now { self.probe() }
            self.checkOrphans()
            if self.isReady { self.armHeartbeat() }
        }
    }

    /// Asks for a sign of life; without one in time the connection ends.
    private func probe() {
        guard !self.isProbing, self.isReady, self.hasFreeStream else { return }
        self.isProbing = true
        do throws(CQLCodingError) {
            let request = try CQLRequest.options.encode()
            let deadline = self.loop.now + self.settings.heartbeatTimeout
            self.send(request, deadline: deadline) { [weak self] result in
                guard let self else { return }
                self.isProbing = false
                if case .failure(let error) = result, error.code == .timeout {
                    self.end(CQLError(.connectionLost, "the node gave no sign of life", node: self.node))
                }
            }
        } catch {
            preconditionFailure("OPTIONS has nothing that could be too long: \(error)")
        }
    }
}
