import Testing
import TimingleNet

@testable import TimingleCore

struct RedisCommandTests {
    @Test func aCommandIsAnArrayOfBulkStrings() {
        let bytes = RedisCommand.encode(["SET", "k", RedisArgument([0, 13, 10]), RedisArgument(-7)])
        #expect(bytes == Array("*4\r\n$3\r\nSET\r\n$1\r\nk\r\n$3\r\n\u{0}\r\n\r\n$2\r\n-7\r\n".utf8))
    }

    @Test(arguments: ["subscribe", "MULTI", "Select", "blpop", "monitor"])
    func commandsThatBreakPipeliningAreKnown(name: String) {
        #expect(RedisCommand.breaksPipelining([RedisArgument(name)]))
    }

    @Test func othersAreNot() {
        #expect(!RedisCommand.breaksPipelining(["GET", "k"]))
        #expect(RedisCommand.breaksPipelining([]))
    }

    @Test func theQueueKeepsItsOrderThroughManySteps() {
        var queue = RedisCommandQueue()
        var out: [UInt8] = []
        for round in 0..<3_000 {
            let byte = UInt8(truncatingIfNeeded: round)
            queue.append(RedisPendingCommand(bytes: [byte], deadline: .now) { _ in })
            if round % 3 != 0, let command = queue.popFirst() { out += command.bytes }
        }
        out += queue.takeAll().flatMap(\.bytes)
        #expect(out == (0..<3_000).map { UInt8(truncatingIfNeeded: $0) })
        #expect(queue.count == 0 && queue.bytes == 0)
    }
}
