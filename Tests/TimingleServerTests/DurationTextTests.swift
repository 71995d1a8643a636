import Testing
@testable import TimingleServer

struct DurationTextTests {
    @Test(arguments: [
        ("0", Duration.zero), ("54", .seconds(54)), ("15m", .seconds(900)), ("1h30m", .seconds(5_400)),
        ("7d", .seconds(604_800)), ("168h", .seconds(604_800)), ("1.5h", .seconds(5_400)),
        ("250ms", .milliseconds(250)),
        ("1s500ms", .milliseconds(1_500)), ("10us", .microseconds(10)), ("10µs", .microseconds(10)),
        (".5s", .milliseconds(500)),
        ("1.s", .seconds(1)), ("3ns", .nanoseconds(3)), ("0.1d", .seconds(8_640)),
    ])
    func goSyntaxIsRead(text: String, duration: Duration) {
        #expect(DurationText.parse(text) == duration)
    }

    @Test(arguments: [
        "", " ", "m", "-1s", "+1s", "1x", "1 s", "s1", ".s", "1..5s", "1.5", "1h30", "9999999999999d",
        "99999999999999999999",
        "9223372036854775807", "١m", "1e3s", "0x1s", "1m 30s",
    ])
    func anythingElseIsRefused(text: String) {
        #expect(DurationText.parse(text) == nil)
    }

    @Test(arguments: ["0s", "7d", "25h", "90m", "61s", "1500ms"])
    func printedTextReadsBack(text: String) throws {
        let duration = try #require(DurationText.parse(text))
        #expect(DurationText.text(of: duration) == text)
    }
}
