import Testing
import TimingleCQL
import TimingleNet

struct CQLServerEventTests {
    private static func decode(_ strings: [String], _ rest: [UInt8]) throws -> CQLServerEvent {
        let texts = strings.reduce(into: [UInt8]()) { $0 += [0, UInt8($1.utf8.count)] + Array($1.utf8) }
        return try Self.event(CQLFixture.frame(.event, texts + rest, stream: -1))
    }

    private static func event(_ frame: [UInt8]) throws -> CQLServerEvent {
        guard case .event(let event) = try CQLFixture.decode(frame).content else {
            throw WireError.malformed("not an event")
        }
        return event
    }

    @Test func whatARealServerTellsIsUnderstood() throws {
        let keyspace = try CQLFixture.bytes("event-schema-keyspace")
        #expect(try CQLFixture.header(keyspace).stream == CQLHeader.eventStream)
        let made = CQLSchemaChange(change: "CREATED", keyspace: "captured", target: .keyspace)
        #expect(try Self.event(keyspace) == .schema(made))
        let type = CQLSchemaChange(change: "CREATED", keyspace: "captured", target: .type("place"))
        #expect(try Self.event(try CQLFixture.bytes("event-schema-type")) == .schema(type))
    }

    @Test func nodesComeAndGo() throws {
        let four: [UInt8] = [4, 127, 0, 0, 1, 0, 0, 0x23, 0x52]
        let address = SocketAddress.ipv4(address: 0x7F00_0001, port: 9042)
        #expect(try Self.decode(["TOPOLOGY_CHANGE", "NEW_NODE"], four) == .topology(.newNode, address))
        #expect(try Self.decode(["TOPOLOGY_CHANGE", "REMOVED_NODE"], four) == .topology(.removedNode, address))
        #expect(try Self.decode(["TOPOLOGY_CHANGE", "MOVED_NODE"], four) == .topology(.movedNode, address))
        #expect(try Self.decode(["STATUS_CHANGE", "UP"], four) == .status(.up, address))
        #expect(try Self.decode(["STATUS_CHANGE", "DOWN"], four) == .status(.down, address))
        let six: [UInt8] = [16] + Array(repeating: 0, count: 15) + [1, 0, 0, 0, 1]
        let other = SocketAddress.ipv6(high: 0, low: 1, port: 1, scope: 0)
        #expect(try Self.decode(["STATUS_CHANGE", "UP"], six) == .status(.up, other))
    }

    @Test func whatWeDoNotKnowIsNoError() throws {
        let four: [UInt8] = [4, 127, 0, 0, 1, 0, 0, 0x23, 0x52]
        #expect(try Self.decode(["CLIENT_ROUTES_CHANGE"], [1, 2, 3]) == .unknown("CLIENT_ROUTES_CHANGE"))
        #expect(try Self.decode(["STATUS_CHANGE", "SLEEPY"], four) == .unknown("SLEEPY"))
    }

    @Test func functionsAreNamedWithTheirArguments() throws {
        let event = try Self.decode(["SCHEMA_CHANGE", "UPDATED", "FUNCTION", "k", "f"], [0, 1, 0, 1, 0x74])
        let change = CQLSchemaChange(
            change: "UPDATED",
            keyspace: "k",
            target: .function("f", argumentTypes: ["t"])
        )
        #expect(event == .schema(change))
        let aggregate = try Self.decode(["SCHEMA_CHANGE", "DROPPED", "AGGREGATE", "k", "f"], [0, 0])
        let other = CQLSchemaChange(change: "DROPPED", keyspace: "k", target: .aggregate("f", argumentTypes: []))
        #expect(aggregate == .schema(other))
    }

    @Test func anAddressOfAnotherSizeIsRefused() {
        #expect(throws: WireError.malformed("size of an address")) {
            try Self.decode(["STATUS_CHANGE", "UP"], [5, 1, 2, 3, 4, 5, 0, 0, 0, 1])
        }
        #expect(throws: WireError.malformed("port")) {
            try Self.decode(["STATUS_CHANGE", "UP"], [4, 1, 2, 3, 4, 0, 1, 0, 0])
        }
    }
}
