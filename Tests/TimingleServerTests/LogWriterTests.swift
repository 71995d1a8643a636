import Synchronization
import Testing
import TimingleCore
import TimingleNet
@testable import TimingleServer

struct LogWriterTests {
    private final class Output: Sendable {
        private let bytes = Mutex<[UInt8]>([])
        var text: String { self.bytes.withLock { String(decoding: $0, as: UTF8.self) } }
        func write(_ more: [UInt8]) { self.bytes.withLock { $0 += more } }
    }

    @Test func linesComeOutInOrder() {
        let output = Output()
        let writer = LogWriter(output: output.write, droppedLine: { _ in [] })
        for number in 0..<1_000 { writer.append(Array("\(number)\n".utf8)) }
        writer.flush()
        #expect(output.text == (0..<1_000).map { "\($0)\n" }.joined())
    }

    @Test func whatDoesNotFitIsCounted() {
        let output = Output()
        let writer = LogWriter(bufferBytesMax: 10, output: output.write, droppedLine: { Array("dropped \($0)\n".utf8) })
        writer.append(Array(repeating: UInt8(ascii: "x"), count: 11))
        writer.append(Array(repeating: UInt8(ascii: "x"), count: 12))
        writer.append(Array("ok\n".utf8))
        writer.flush()
        #expect(output.text.contains("dropped 2\n"))
        #expect(output.text.contains("ok\n"))
    }

    private let line = LogLine(
        level: .warning,
        label: "http",
        message: "it \"broke\"\nagain",
        metadata: [("n", .number(3)), ("f", .flag(true)), ("t", .text("a b\u{1b}[31m\u{9b}"))]
    )

    @Test func jsonLinesAreOneObjectALine() throws {
        let bytes = LogLineFormat.json.bytes(of: self.line, at: Timestamp(milliseconds: 1))
        #expect(bytes.last == UInt8(ascii: "\n"))
        #expect(bytes.filter { $0 == UInt8(ascii: "\n") }.count == 1)
        let value = try JSONReader.parse(bytes)
        #expect(
            value
                == .object([
                    "time": .string("1970-01-01T00:00:00.001Z"), "level": .string("warning"), "label": .string("http"),
                    "message": .string("it \"broke\"\nagain"),
                    "metadata": .object(["n": .integer(3), "f": .bool(true), "t": .string("a b\u{1b}[31m\u{9b}")]),
                ])
        )
    }

    @Test func prettyLinesCannotForgeLinesOrMoveTheCursor() {
        let text = String(
            decoding: LogLineFormat.pretty.bytes(of: self.line, at: Timestamp(milliseconds: 1)),
            as: UTF8.self
        )
        #expect(text.filter { $0 == "\n" }.count == 1)
        #expect(!text.unicodeScalars.contains { $0 == "\u{1b}" || $0 == "\u{9b}" })
        #expect(text.contains("WARNING"))
        #expect(text.contains("n=3 f=true t=\"a b"))
    }
}
