import Testing
import TimingleCore
import TimingleNet
import TimingleTestSupport
@testable import TimingleServer

struct RoutesTests {
    @Test func healthNeedsNoToken() async throws {
        try await RouteWorld.with { world in
            let response = try await world.ask(.get, "/health")
            #expect(response.status == .ok)
            #expect(response.member("status") == "healthy")
            #expect(response.member("service") == "timingle-api")
        }
    }

    /// Every route with a token: without one it says so.
    @Test(arguments: [
        (HTTPMethod.get, "/auth/me"), (.get, "/users/me"), (.patch, "/users/me"), (.put, "/users/me"),
        (.get, "/users/1"),
        (.post, "/auth/logout"), (.get, "/events"), (.post, "/events"), (.get, "/events/1"), (.patch, "/events/1"),
        (.put, "/events/1"), (.delete, "/events/1"), (.post, "/events/1/confirm"), (.post, "/events/1/cancel"),
        (.post, "/events/1/done"), (.post, "/events/1/participants"), (.delete, "/events/1/participants/2"),
        (.post, "/events/1/confirm-participation"), (.post, "/events/1/accept"), (.post, "/events/1/decline"),
        (.post, "/events/1/reject"), (.get, "/events/1/history"), (.get, "/events/1/messages"),
        (.post, "/events/1/messages"), (.post, "/events/1/read"), (.get, "/ws?event_id=1"),
    ])
    func membersOnlyRoutesAskForTheToken(method: HTTPMethod, path: String) async throws {
        try await RouteWorld.with { world in
            let response = try await world.ask(method, path)
            #expect(response.status == .unauthorized)
            #expect(response.error("code") == "AUTH_TOKEN_MISSING")
            let forged = try await world.ask(method, path, fields: ["Authorization": "Bearer a.b.c"])
            #expect(forged.status == .unauthorized)
            #expect(forged.error("code") == "AUTH_TOKEN_INVALID")
        }
    }

    @Test func publicRoutesIgnoreABadToken() async throws {
        try await RouteWorld.with { world in
            let response = try await world.ask(
                .post,
                "/auth/phone/send",
                #"{"phone":"01012345678"}"#,
                fields: ["Authorization": "Bearer expired"]
            )
            #expect(response.status == .ok)
        }
    }

    @Test func signInHasTheUserFlatAndNested() async throws {
        try await RouteWorld.with { world in
            let person = try await world.person("지영")
            #expect(!person.token.isEmpty)
            let me = try await world.ask(.get, "/users/me", by: person)
            #expect(me.status == .ok)
            #expect(me.member("name") == "지영")
            #expect(me.integer("id") == person.id.rawValue)
        }
    }

    @Test func createdEventHasTheClientsShape() async throws {
        try await RouteWorld.with { world in
            let (host, guest) = (try await world.person("지영"), try await world.person("민수"))
            let response = try await world.ask(
                .post,
                "/events",
                #"{"title":"점심","start_time":"2026-02-01T19:00:00+09:00","end_time":"2026-02-01T11:00:00.5Z","#
                    + #""location":null,"participant_ids":[\#(guest.id).0,999,\#(host.id)],"unknown":{}}"#,
                by: host
            )
            #expect(response.status == .created)
            let text = response.bodyText
            #expect(text.contains(#""start_time":"2026-02-01T10:00:00.000Z","end_time":"2026-02-01T11:00:00.500Z""#))
            #expect(text.contains(#""status":"PROPOSED","creator_id":\#(host.id),"creator":{"id":\#(host.id)"#))
            #expect(text.contains(#""invites":{"sent":1,"invited":[\#(guest.id)],"failed":[999]}"#))
            #expect(!text.contains("phone"))
        }
    }

    @Test func listSaysHowManyThereAre() async throws {
        try await RouteWorld.with { world in
            let host = try await world.person("지영")
            for _ in 0..<3 { _ = try await world.event(by: host) }
            let response = try await world.ask(.get, "/events?page=2&limit=2", by: host)
            #expect(response.status == .ok)
            #expect(response.fields["X-Total-Count"] == "3")
            #expect(response.fields["X-Page"] == "2")
            #expect(response.fields["X-Limit"] == "2")
            guard case .array(let items) = try JSONReader.parse(response.bodyBytes) else {
                Issue.record("a bare array")
                return
            }
            #expect(items.count == 1)
            let clamped = try await world.ask(.get, "/events?limit=100000&page=0", by: host)
            #expect(clamped.fields["X-Limit"] == "100")
            #expect(clamped.fields["X-Page"] == "1")
            let bad = try await world.ask(.get, "/events?status=GONE", by: host)
            #expect(bad.status == .unprocessableContent)
        }
    }

    @Test func rangesAreThoseOfTheUsersZone() async throws {
        try await RouteWorld.with { world in
            // It is 2026-01-15T10:00Z: a Thursday evening in Seoul, early Thursday in New York.
            let host = try await world.person("지영")
            for (start, end) in [
                ("2026-01-14T14:00:00Z", "2026-01-14T15:00:00Z"), ("2026-01-14T14:30:00Z", "2026-01-14T15:30:00Z"),
                ("2026-01-15T14:59:59Z", "2026-01-15T16:00:00Z"), ("2026-01-15T15:00:00Z", "2026-01-15T15:00:00Z"),
                ("2026-01-18T16:00:00Z", "2026-01-18T17:00:00Z"), ("2026-01-31T14:00:00Z", "2026-01-31T14:30:00Z"),
            ] {
                let made = try await world.ask(
                    .post,
                    "/events",
                    #"{"title":"점심","start_time":"\#(start)","end_time":"\#(end)"}"#,
                    by: host
                )
                #expect(made.status == .created)
            }
            func expect(_ count: Int, _ query: String) async throws {
                let response = try await world.ask(.get, "/events?\(query)", by: host)
                #expect(response.fields["X-Total-Count"] == String(count), "\(query)")
            }
            _ = try await world.ask(.patch, "/users/me", #"{"timezone":"Asia/Seoul"}"#, by: host)
            world.clock.advance(by: .seconds(6))
            try await expect(2, "range=today")
            try await expect(4, "range=week")
            try await expect(6, "range=MONTH")
            _ = try await world.ask(.patch, "/users/me", #"{"timezone":"America/New_York"}"#, by: host)
            world.clock.advance(by: .seconds(6))
            try await expect(2, "range=today")
            try await expect(5, "range=week")
            try await expect(0, "range=today&status=CANCELED")
            for wrong in ["year", "today,week", "%EC%98%A4%EB%8A%98"] {
                let refused = try await world.ask(.get, "/events?range=\(wrong)", by: host)
                #expect(refused.status == .unprocessableContent)
                #expect(refused.error("field") == "range")
            }
        }
    }

    @Test func confirmAnswersForTheCreatorAndForTheGuest() async throws {
        try await RouteWorld.with { world in
            let (host, guest) = (try await world.person("지영"), try await world.person("민수"))
            let other = try await world.person("수진")
            let event = try await world.event(by: host, with: [guest, other])
            let own = try await world.ask(.post, "/events/\(event)/confirm", by: guest)
            #expect(own.status == .ok)
            #expect(own.integer("user_id") == guest.id.rawValue)
            #expect(own.bodyText.contains(#""confirmed":true,"confirmed_at":""#))
            #expect(own.member("status") == "PROPOSED")
            let whole = try await world.ask(.post, "/events/\(event)/confirm", by: host)
            #expect(whole.member("status") == "CONFIRMED")
            let again = try await world.ask(.post, "/events/\(event)/confirm", by: host)
            #expect(again.status == .conflict)
            #expect(again.error("code") == "EVENT_ALREADY_CONFIRMED")
        }
    }

    @Test func deleteCancelsAndAgainIsFine() async throws {
        try await RouteWorld.with { world in
            let host = try await world.person("지영")
            let event = try await world.event(by: host)
            for _ in 0..<2 {
                let response = try await world.ask(.delete, "/events/\(event)", by: host)
                #expect(response.status == .ok)
                #expect(response.member("status") == "CANCELED")
                #expect(response.member("message")?.isEmpty == false)
            }
        }
    }

    @Test(arguments: [
        ("{", HTTPStatus.badRequest, "INVALID_JSON"), ("[]", .badRequest, "INVALID_JSON"),
        ("", .badRequest, "INVALID_JSON"), (#"{"title":1}"#, .unprocessableContent, "VALIDATION_ERROR"),
        ("{}", .unprocessableContent, "VALIDATION_ERROR"),
        (#"{"title":"a","start_time":"x","end_time":"y"}"#, .unprocessableContent, "VALIDATION_ERROR"),
    ])
    func badBodiesAreRefusedReadably(body: String, status: HTTPStatus, code: String) async throws {
        try await RouteWorld.with { world in
            let host = try await world.person("지영")
            let response = try await world.ask(.post, "/events", body, by: host)
            #expect(response.status == status)
            #expect(response.error("code") == code)
        }
    }

    @Test(arguments: ["0", "-1", "abc", "1.5", "9223372036854775808", "1%20", "１"])
    func badNumbersAreBadRequests(id: String) async throws {
        try await RouteWorld.with { world in
            let host = try await world.person("지영")
            for path in ["/events/\(id)", "/events/\(id)/messages", "/events/\(id)/history", "/ws?event_id=\(id)"] {
                let response = try await world.ask(.get, path, by: host)
                #expect(response.status == .badRequest, "\(path)")
                #expect(response.error("code") == "INVALID_ID")
            }
        }
    }

    @Test func strangersAreKeptOutBeforeTheUpgrade() async throws {
        try await RouteWorld.with { world in
            let (host, stranger) = (try await world.person("지영"), try await world.person("밖"))
            let event = try await world.event(by: host)
            let handshake: HTTPFields = [
                "Upgrade": "websocket", "Connection": "Upgrade", "Sec-WebSocket-Version": "13",
                "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==", "Sec-WebSocket-Protocol": "chat",
            ]
            let refused = try await world.ask(.get, "/ws?event_id=\(event)", by: stranger, fields: handshake)
            #expect(refused.status == .forbidden)
            let missing = try await world.ask(.get, "/ws?event_id=999999", by: stranger, fields: handshake)
            #expect(missing.status == .notFound)
            let plain = try await world.ask(.get, "/ws?event_id=\(event)", by: host)
            #expect(plain.status == .badRequest)
            #expect(plain.error("code") == "BAD_HANDSHAKE")
            let accepted = try await world.ask(.get, "/ws?event_id=\(event)", by: host, fields: handshake)
            #expect(accepted.status == .switchingProtocols)
            guard case .upgrade(let upgrade) = accepted.body else {
                Issue.record("an upgrade")
                return
            }
            #expect(upgrade.subprotocol == "chat")
            #expect((upgrade as? WebSocketUpgrade)?.home === world.loop)
            world.lifecycle.beginDraining()
            let late = try await world.ask(.get, "/ws?event_id=\(event)", by: host, fields: handshake)
            #expect(late.status == .serviceUnavailable)
        }
    }

    @Test func theSubprotocolPairIsACredential() async throws {
        try await RouteWorld.with { world in
            let host = try await world.person("지영")
            let event = try await world.event(by: host)
            let fields: HTTPFields = [
                "Upgrade": "websocket", "Connection": "Upgrade", "Sec-WebSocket-Version": "13",
                "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==", "Sec-WebSocket-Protocol": "Bearer, \(host.token)",
            ]
            let response = try await world.ask(.get, "/ws?event_id=\(event)", fields: fields)
            guard case .upgrade(let upgrade) = response.body else {
                Issue.record("an upgrade, not \(response.status)")
                return
            }
            #expect(upgrade.subprotocol == "Bearer")
        }
    }

    @Test func aTicketOpensOneSocketAndNoOtherRoute() async throws {
        try await RouteWorld.with { world in
            let (host, stranger) = (try await world.person("지영"), try await world.person("밖"))
            let event = try await world.event(by: host)
            let fields: HTTPFields = [
                "Upgrade": "websocket", "Connection": "Upgrade", "Sec-WebSocket-Version": "13",
                "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
            ]
            func ticket(_ person: RouteWorld.Person) async throws -> String {
                let issued = try await world.ask(.post, "/ws/ticket", by: person)
                #expect(issued.status == .ok)
                #expect(issued.integer("expires_in") == 30)
                #expect(issued.fields["Cache-Control"] == "no-store")
                return try #require(issued.member("ticket"))
            }
            let first = try await ticket(host)
            let rest = try await world.ask(.get, "/users/me?ticket=\(first)")
            #expect(rest.status == .unauthorized)
            let opened = try await world.ask(.get, "/ws?event_id=\(event)&ticket=\(first)", fields: fields)
            #expect(opened.status == .switchingProtocols)
            let again = try await world.ask(.get, "/ws?event_id=\(event)&ticket=\(first)", fields: fields)
            #expect(again.status == .unauthorized)
            #expect(again.error("code") == "AUTH_TICKET_INVALID")
            let others = try await ticket(stranger)
            let refused = try await world.ask(.get, "/ws?event_id=\(event)&ticket=\(others)", fields: fields)
            #expect(refused.status == .forbidden)
            let late = try await ticket(host)
            world.clock.advance(by: .seconds(30))
            let expired = try await world.ask(.get, "/ws?event_id=\(event)&ticket=\(late)", fields: fields)
            #expect(expired.error("code") == "AUTH_TICKET_INVALID")
        }
    }

    @Test func ticketsWithoutTheirStoreAre503() async throws {
        try await RouteWorld.with { world in
            let host = try await world.person("지영")
            let event = try await world.event(by: host)
            let issued = try await world.ask(.post, "/ws/ticket", by: host)
            let ticket = try #require(issued.member("ticket"))
            world.tickets.isAway = true
            let issue = try await world.ask(.post, "/ws/ticket", by: host)
            #expect(issue.status == .serviceUnavailable)
            let use = try await world.ask(.get, "/ws?event_id=\(event)&ticket=\(ticket)")
            #expect(use.status == .serviceUnavailable)
            let malformed = try await world.ask(.get, "/ws?event_id=\(event)&ticket=abc")
            #expect(malformed.error("code") == "AUTH_TICKET_INVALID", "nobody is asked about what cannot be one")
        }
    }

    @Test func messagesAreABareArray() async throws {
        try await RouteWorld.with { world in
            let host = try await world.person("지영")
            let event = try await world.event(by: host)
            let response = try await world.ask(.get, "/events/\(event)/messages?limit=50", by: host)
            #expect(response.status == .ok)
            #expect(response.bodyText == "[]")
            let bad = try await world.ask(.get, "/events/\(event)/messages?before=yesterday", by: host)
            #expect(bad.status == .unprocessableContent)
        }
    }

    @Test(arguments: [
        #"{}"#, #"{"content":""}"#, #"{"content":5}"#, #"{"content":"a","message_type":"system"}"#,
        #"{"content":"a","reply_to":"x"}"#, #"{"content":"a","client_id":"x"}"#, #"{"content":"a","attachments":"x"}"#,
    ])
    func badMessagesAreRefused(body: String) async throws {
        try await RouteWorld.with { world in
            let host = try await world.person("지영")
            let event = try await world.event(by: host)
            let response = try await world.ask(.post, "/events/\(event)/messages", body, by: host)
            #expect(response.status == .unprocessableContent)
            #expect(response.error("field") != nil)
        }
    }

    @Test func requestsOfAUserAreCounted() async throws {
        try await RouteWorld.with(perUser: 2) { world in
            let host = try await world.person("지영")
            let first = try await world.ask(.get, "/auth/me", by: host)
            #expect(first.fields["X-RateLimit-Limit"] == "2")
            #expect(first.fields["X-RateLimit-Remaining"] == "1")
            _ = try await world.ask(.get, "/auth/me", by: host)
            let third = try await world.ask(.get, "/auth/me", by: host)
            #expect(third.status == .tooManyRequests)
            #expect(third.fields["Retry-After"] != nil)
            #expect(third.fields["X-RateLimit-Remaining"] == "0")
            world.limiter.isAway = true
            let open = try await world.ask(.get, "/auth/me", by: host)
            #expect(open.status == .ok)
        }
    }

    @Test func aStoreThatIsAwayIs503AndNever401() async throws {
        try await RouteWorld.with { world in
            let host = try await world.person("지영")
            world.users.isAway = true
            world.clock.advance(by: .seconds(6))
            let response = try await world.ask(.get, "/users/me", by: host)
            #expect(response.status == .serviceUnavailable)
            #expect(response.fields["Retry-After"] != nil)
        }
    }

    @Test func unknownRoutesAndMethodsAreSaidInWords() async throws {
        try await RouteWorld.with { world in
            let missing = try await world.ask(.get, "/nowhere", fields: ["Accept-Language": "en"])
            #expect(missing.status == .notFound)
            #expect(missing.error("code") == "NOT_FOUND")
            let wrong = try await world.ask(.delete, "/events")
            #expect(wrong.status == .methodNotAllowed)
            #expect(wrong.error("code") == "METHOD_NOT_ALLOWED")
            #expect(wrong.fields["Content-Language"] == "ko")
            #expect(wrong.fields["Allow"]?.contains("POST") == true)
        }
    }

    @Test func aWorkerHasNoRoutesButHealth() async throws {
        try await RouteWorld.with(role: .worker) { world in
            let events = try await world.ask(.get, "/events")
            #expect(events.status == .notFound)
            let socket = try await world.ask(.get, "/ws?event_id=1")
            #expect(socket.status == .notFound)
            let health = try await world.ask(.get, "/health")
            #expect(health.status == .ok)
        }
    }
}
