internal import TimingleCore
internal import TimingleNet

/// The whole URL space.
struct Routes: Sendable {
    let health: HealthHandlers
    let auth: AuthHandlers
    let events: EventHandlers
    let chatHistory: ChatHistoryHandlers
    let chatSocket: ChatSocket
    /// Nil where nothing but the API is served.
    let console: ConsoleHandlers?
    let limiter: (any RateLimiter)?
    let rateLimits: ServerConfiguration.RateLimits
    let clock: any WallClock
    let role: ServerConfiguration.Role

    /// Everything under one handler; `around` is outermost first.
    func handler(around: [any Middleware]) -> HTTPResponder {
        var router = Router()
        self.addHealth(&router)
        if self.role.servesAPI {
            self.addAuth(&router)
            self.addEvents(&router)
            self.addConsole(&router)
        }
        if self.role.servesSockets { self.addSockets(&router) }
        if self.role.servesAPI || self.role.servesSockets {
            router.on(.post, "/api/v1/ws/ticket", middleware: self.signedIn, self.auth.issueTicket)
        }
        return router.frozen(
            middleware: around,
            notFound: { _, _ in throw ServiceError.routeNotFound },
            // ErrorResponder finds the words.
            methodNotAllowed: { _ in HTTPResponse(.methodNotAllowed) }
        )
    }

    private func addHealth(_ router: inout Router) {
        for path in ["/health", "/api/v1/health", "/api/health", "/healthz"] {
            router.onImmediate(.get, path, self.health.health)
        }
        router.onImmediate(.get, "/livez", self.health.live)
        router.on(.get, "/readyz", self.health.ready)
        router.on(.get, "/ready", self.health.ready)
    }

    private func addAuth(_ router: inout Router) {
        let open = self.limiting(.address(scope: "auth", self.rateLimits.auth))
        let member = self.signedIn
        router.on(.post, "/api/v1/auth/phone/send", middleware: open, self.auth.sendCode)
        router.on(.post, "/api/v1/auth/phone/verify", middleware: open, self.auth.verifyCode)
        router.on(.post, "/api/v1/auth/register", middleware: open, self.auth.register)
        router.on(.post, "/api/v1/auth/login", middleware: open, self.auth.login)
        router.on(.post, "/api/v1/auth/refresh", middleware: open, self.auth.refresh)
        router.on(.post, "/api/v1/auth/logout", middleware: member, self.auth.logout)
        router.on(.get, "/api/v1/auth/me", middleware: member, self.auth.me)
        router.on(.get, "/api/v1/users/me", middleware: member, self.auth.me)
        router.on(.patch, "/api/v1/users/me", middleware: member, self.auth.updateMe)
        router.on(.put, "/api/v1/users/me", middleware: member, self.auth.updateMe)
        router.on(.get, "/api/v1/users/{id}", middleware: member, self.auth.user)
    }

    private func addEvents(_ router: inout Router) {
        let member = self.signedIn
        let event = "/api/v1/events/{id}"
        router.on(.post, "/api/v1/events", middleware: member, self.events.create)
        router.on(.get, "/api/v1/events", middleware: member, self.events.list)
        router.on(.get, event, middleware: member, self.events.get)
        router.on(.patch, event, middleware: member, self.events.update)
        router.on(.put, event, middleware: member, self.events.update)
        router.on(.delete, event, middleware: member, self.events.cancel)
        router.on(.post, event + "/confirm", middleware: member, self.events.confirm)
        router.on(.post, event + "/cancel", middleware: member, self.events.cancel)
        router.on(.post, event + "/done", middleware: member, self.events.done)
        router.on(.post, event + "/participants", middleware: member, self.events.addParticipant)
        router.on(.delete, event + "/participants/{user_id}", middleware: member, self.events.removeParticipant)
        router.on(.post, event + "/confirm-participation", middleware: member, self.events.confirmParticipation)
        router.on(.post, event + "/accept", middleware: member, self.events.accept)
        router.on(.post, event + "/decline", middleware: member, self.events.decline)
        router.on(.post, event + "/reject", middleware: member, self.events.decline)
        router.on(.get, event + "/history", middleware: member, self.events.history)
        router.on(.get, event + "/messages", middleware: member, self.chatHistory.page)
        router.on(.post, event + "/messages", middleware: member, self.chatHistory.post)
        router.on(.post, event + "/read", middleware: member, self.chatHistory.markRead)
    }

    private func addConsole(_ router: inout Router) {
        guard let console = self.console else { return }
        router.on(.get, ConsoleHandlers.prefix, console.file)
        router.on(.get, ConsoleHandlers.prefix + "/{path...}", console.file)
    }

    private func addSockets(_ router: inout Router) {
        let member: [any Middleware] =
            [
                Authentication(
                    auth: self.auth.auth,
                    credential: { request throws(ServiceError) in try BearerToken.forSocket(request) }
                )
            ] + self.userLimit
        for path in ["/api/v1/ws", "/ws", "/ws/events/{event_id}"] {
            router.on(.get, path, middleware: member, self.chatSocket.open)
        }
    }

    private var signedIn: [any Middleware] { [Authentication(auth: self.auth.auth)] + self.userLimit }

    private var userLimit: [any Middleware] {
        self.limiting(.user(self.rateLimits.user, business: self.rateLimits.business))
    }

    private func limiting(_ subject: RateLimiting.Subject) -> [any Middleware] {
        guard self.rateLimits.isEnabled, let limiter = self.limiter else { return [] }
        return [RateLimiting(limiter: limiter, clock: self.clock, subject: subject)]
    }
}
