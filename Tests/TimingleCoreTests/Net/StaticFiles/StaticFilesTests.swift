import Foundation
import Testing
import TimingleTestSupport

@testable import TimingleNet

/// What is answered about a file; how its content travels is in `HTTPFileSenderTests`.
struct StaticFilesTests {
    @Test func aFileComesWithWhatCachesAndBrowsersNeed() async throws {
        try await StaticSite.with { site in
            try site.directory.write("app.js", "let a = 1\n", modified: 784_111_777)
            let answer = try await site.get("/s/app.js?v=1")
            #expect(answer.status == 200 && answer.text == "let a = 1\n")
            #expect(answer["Content-Type"] == "text/javascript; charset=utf-8" && answer["Content-Length"] == "10")
            #expect(answer["Last-Modified"] == "Sun, 06 Nov 1994 08:49:37 GMT")
            #expect(answer["Cache-Control"] == "no-cache" && answer["Accept-Ranges"] == "bytes")
            #expect(answer["X-Content-Type-Options"] == "nosniff" && answer["Vary"] == "Accept-Encoding")
            let tag = try #require(answer["ETag"])
            #expect(tag.utf8.count == 18 && tag.hasPrefix("\""))
            #expect(answer["Content-Encoding"] == nil)
            #expect(try await site.get("/s/app.js")["ETag"] == tag)
            try site.directory.replace("app.js", by: Array("let a = 2\n".utf8))
            #expect(try await site.get("/s/app.js")["ETag"] != tag)
        }
    }

    @Test func aNameWithItsHashIsKeptForAYear() async throws {
        try await StaticSite.with { site in
            try site.directory.write("a/app.3f2a9c01.css", "p{}")
            let answer = try await site.get("/s/a/app.3f2a9c01.css")
            #expect(answer["Cache-Control"] == "public, max-age=31536000, immutable")
        }
    }

    @Test func aTagIsWeakWhileItsFileMayStillChange() async throws {
        var limits = StaticFiles.Limits()
        limits.settling = .seconds(3_600)
        try await StaticSite.with(.plain, limits) { site in
            try site.directory.write("a.txt", "abc")
            let answer = try await site.get("/s/a.txt")
            let tag = try #require(answer["ETag"])
            #expect(tag.hasPrefix("W/\""))
            #expect(try await site.get("/s/a.txt", ["If-None-Match": tag]).status == 304)
            #expect(try await site.get("/s/a.txt", ["Range": "bytes=1-", "If-Range": tag]).status == 200)
        }
    }

    @Test(arguments: [TestTransport.plain, .tls])
    func aHeadTellsAllButTheContent(transport: TestTransport) async throws {
        try await StaticSite.with(transport) { site in
            for count in [0, 10, 100_000] {
                try site.directory.write("f", StaticSite.pattern(count))
                // Range is for GET.
                let head = try await site.get("/s/f", ["Range": "bytes=0-1"], method: "HEAD")
                #expect(head.status == 200 && head.announcedCount == count && head.content.isEmpty)
                let whole = try await site.get("/s/f")
                #expect(whole.content == StaticSite.pattern(count) && whole["ETag"] == head["ETag"])
            }
            #expect(site.files.openFiles.count == 0)
        }
    }

    @Test func onlyGetAndHeadAreKnown() async throws {
        try await StaticSite.with { site in
            try site.directory.write("f", "x")
            for method in ["POST", "PUT", "DELETE", "PATCH", "OPTIONS", "BREW"] {
                let answer = try await site.get("/s/f", method: method)
                #expect(answer.status == 405 && answer["Allow"] == "GET, HEAD", "\(method)")
            }
        }
    }

    @Test func directoriesHaveAnIndexAndASlash() async throws {
        try await StaticSite.with { site in
            try site.directory.write("index.html", "root")
            try site.directory.write("dir/index.html", "dir")
            try site.directory.write("empty/x", "x")
            try site.directory.write("odd/index.html/x", "x")
            #expect(try await site.get("/s/").text == "root")
            #expect(try await site.get("/s/dir/").text == "dir")
            #expect(try await site.get("/s/dir/")["Content-Type"] == "text/html; charset=utf-8")
            for (path, location) in [
                ("/s", "/s/"), ("/s?a=/b", "/s/?a=/b"), ("/s/dir", "/s/dir/"), ("/s/%64ir?x", "/s/%64ir/?x"),
            ] {
                let answer = try await site.get(path)
                #expect(answer.status == 308 && answer["Location"] == location)
            }
            for path in ["/s/empty/", "/s/odd/", "/s/index.html/", "/s/dir/index.html/", "/s/none", "/s/none/"] {
                #expect(try await site.get(path).status == 404, "\(path)")
            }
        }
    }

    @Test func nothingOutsideIsReached() async throws {
        try await StaticSite.with { site in
            try site.directory.write("a.txt", "a")
            try site.directory.write(".env", "secret")
            try site.directory.write("dir/.hidden", "secret")
            try site.directory.link("out", to: "/etc/passwd")
            try site.directory.link("up", to: "..")
            let paths = [
                "/s/../etc/passwd", "/s/..%2f..%2fetc%2fpasswd", "/s/%2e%2e/%2e%2e/etc/passwd", "/s/..%5c..%5cetc",
                "/s//etc/passwd", "/s/dir/../a.txt", "/s/./a.txt", "/s/.env", "/s/%2eenv", "/s/dir/.hidden",
                "/s/a.txt%00",
                "/s/a.txt%00.html", "/s/out", "/s/up/x", "/s/dir%2fx", "/s/%c0%ae%c0%ae/x", "/s/a.txt/..", "/s/up/",
                "/s/%252e%252e/a.txt",
            ]
            for path in paths { #expect(try await site.get(path).status == 404, "\(path)") }
            #expect(try await site.get("/s/a.txt").status == 200)
            #expect(site.log.messages.isEmpty)
        }
    }

    @Test func aFileThatMayNotBeReadIsNotThere() async throws {
        // Root reads everything.
        guard getuid() != 0 else { return }
        try await StaticSite.with { site in
            try site.directory.write("f", "x")
            chmod(site.directory["f"], 0)
            #expect(try await site.get("/s/f").status == 404)
            #expect(site.log.messages == ["a file may not be read"])
        }
    }

    // MARK: Conditions and ranges

    @Test func conditionsDecide() async throws {
        try await StaticSite.with { site in
            try site.directory.write("a.txt", "0123456789", modified: 784_111_777)
            let tag = try #require(try await site.get("/s/a.txt")["ETag"])
            let date = "Sun, 06 Nov 1994 08:49:37 GMT"
            for fields in [["If-None-Match": tag], ["If-None-Match": "W/\(tag)"], ["If-Modified-Since": date]] {
                let answer = try await site.get("/s/a.txt", fields)
                #expect(answer.status == 304 && answer.content.isEmpty && answer["Content-Length"] == nil)
                #expect(answer["ETag"] == tag && answer["Cache-Control"] == "no-cache")
                #expect(answer["Vary"] == "Accept-Encoding" && answer["Content-Type"] == nil)
            }
            for fields in [["If-Match": "\"x\""], ["If-Unmodified-Since": "Sun, 06 Nov 1994 08:49:36 GMT"]] {
                #expect(try await site.get("/s/a.txt", fields).status == 412)
            }
            for (ifRange, status) in [(tag, 206), (date, 206), ("\"x\"", 200), ("W/\(tag)", 200)] {
                let answer = try await site.get("/s/a.txt", ["Range": "bytes=2-3", "If-Range": ifRange])
                #expect(answer.status == status && answer.text == (status == 206 ? "23" : "0123456789"))
            }
            // Conditions come before ranges.
            let answer = try await site.get("/s/a.txt", ["Range": "bytes=99-", "If-None-Match": tag])
            #expect(answer.status == 304)
        }
    }

    @Test(arguments: [TestTransport.plain, .tls], [10, 200_000])
    func aRangeIsExactlyThat(transport: TestTransport, count: Int) async throws {
        try await StaticSite.with(transport) { site in
            let all = StaticSite.pattern(count)
            try site.directory.write("f.bin", all)
            for (range, first, last) in [
                ("0-", 0, count - 1), ("0-0", 0, 0), ("-1", count - 1, count - 1), ("3-7", 3, 7), ("5-", 5, count - 1),
                ("-5", count - 5, count - 1), ("2-\(count + 5)", 2, count - 1),
            ] {
                let answer = try await site.get("/s/f.bin", ["Range": "bytes=\(range)"])
                #expect(answer.status == 206 && answer.content == Array(all[first...last]), "\(range)")
                #expect(answer["Content-Range"] == "bytes \(first)-\(last)/\(count)")
                #expect(answer.announcedCount == last - first + 1 && answer["ETag"] != nil)
            }
            let beyond = try await site.get("/s/f.bin", ["Range": "bytes=\(count)-"])
            #expect(beyond.status == 416 && beyond["Content-Range"] == "bytes */\(count)")
            let odd = try await site.get("/s/f.bin", ["Range": "bytes=2-1"])
            #expect(odd.status == 200 && odd.content == all)
        }
    }

    @Test(arguments: [TestTransport.plain, .tls], [100, 200_000])
    func severalRangesComeInParts(transport: TestTransport, count: Int) async throws {
        try await StaticSite.with(transport) { site in
            let all = StaticSite.pattern(count)
            try site.directory.write("f.bin", all)
            let ranges = [(5, 9), (0, 0), (count - 20, count - 1), (10, count / 2)]
            let value = ranges.map { "\($0.0)-\($0.1)" }.joined(separator: ", ")
            let answer = try await site.get("/s/f.bin", ["Range": "bytes=\(value)"])
            #expect(answer.status == 206 && answer["Content-Range"] == nil)
            let type = try #require(answer["Content-Type"])
            #expect(type.hasPrefix("multipart/byteranges; boundary="))
            let boundary = String(type.split(separator: "=")[1])
            var expected: [UInt8] = []
            for (place, (first, last)) in ranges.enumerated() {
                expected += Array("\(place == 0 ? "" : "\r\n")--\(boundary)\r\n".utf8)
                expected += Array("Content-Type: application/octet-stream\r\n".utf8)
                expected += Array("Content-Range: bytes \(first)-\(last)/\(count)\r\n\r\n".utf8)
                expected += all[first...last]
            }
            expected += Array("\r\n--\(boundary)--\r\n".utf8)
            #expect(answer.content == expected && answer.announcedCount == expected.count)
            // One that is left of several needs no parts.
            let single = try await site.get("/s/f.bin", ["Range": "bytes=1-2,\(count)-"])
            #expect(single["Content-Range"] == "bytes 1-2/\(count)" && single.content == Array(all[1...2]))
        }
    }

    // MARK: Compressed siblings

    @Test func aCompressedSiblingIsSentToWhoTakesIt() async throws {
        try await StaticSite.with { site in
            try site.directory.write("app.js", "plain", modified: 1_000)
            try site.directory.write("app.js.gz", "compressed", modified: 1_000)
            let plain = try await site.get("/s/app.js")
            let compressed = try await site.get("/s/app.js", ["Accept-Encoding": "br, gzip"])
            #expect(compressed.text == "compressed" && compressed["Content-Encoding"] == "gzip")
            #expect(compressed["Content-Type"] == "text/javascript; charset=utf-8")
            #expect(compressed["ETag"] != plain["ETag"])
            #expect(compressed["Vary"] == "Accept-Encoding" && plain["Vary"] == "Accept-Encoding")
            for value in ["gzip;q=0", "identity", "br"] {
                #expect(try await site.get("/s/app.js", ["Accept-Encoding": value]).text == "plain")
            }
            let part = try await site.get("/s/app.js", ["Accept-Encoding": "gzip", "Range": "bytes=0-3"])
            #expect(part.status == 206 && part.text == "comp" && part["Content-Encoding"] == "gzip")
            let tag = try #require(compressed["ETag"])
            let again = try await site.get("/s/app.js", ["Accept-Encoding": "gzip", "If-None-Match": tag])
            #expect(again.status == 304)
            #expect(try await site.get("/s/app.js", ["If-None-Match": tag]).status == 200)
            // As a file of its own it is what it is.
            let itself = try await site.get("/s/app.js.gz", ["Accept-Encoding": "gzip"])
            #expect(itself["Content-Type"] == "application/gzip" && itself["Content-Encoding"] == nil)
        }
    }

    @Test func aSiblingThatIsOlderOrNoTextDoesNotCount() async throws {
        try await StaticSite.with { site in
            try site.directory.write("app.js", "plain", modified: 2_000)
            try site.directory.write("app.js.gz", "stale", modified: 1_999)
            try site.directory.write("a.png", "plain", modified: 1_000)
            try site.directory.write("a.png.gz", "compressed", modified: 1_000)
            try site.directory.write("b.css", "plain", modified: 1_000)
            try site.directory.write("b.css.gz/x", "directory")
            for path in ["app.js", "a.png", "b.css"] {
                #expect(try await site.get("/s/\(path)", ["Accept-Encoding": "gzip"]).text == "plain", "\(path)")
            }
            #expect(try await site.get("/s/a.png")["Vary"] == nil)
        }
    }

    /// Tags and ranges are those of the file's own bytes.
    @Test func nothingIsCompressedOnTheWay() async throws {
        try await StaticSite.with { site in
            let text = String(repeating: "all the same ", count: 500)
            try site.directory.write("a.txt", text)
            let answer = try await site.get("/s/a.txt", ["Accept-Encoding": "gzip"])
            #expect(answer.text == text && answer["Content-Encoding"] == nil && answer["ETag"]?.hasPrefix("\"") == true)
        }
    }

    // MARK: Limits

    @Test func whatIsTooMuchAtOnceIsToComeAgain() async throws {
        var limits = StaticSite.settled
        limits.openFiles = 1
        try await StaticSite.with(.plain, limits) { site in
            try site.directory.write("one", StaticSite.pattern(8_000_000))
            try site.directory.write("two", StaticSite.pattern(100_000))
            try site.directory.write("small", "small")
            let slow = try site.connect()
            try await slow.send("GET /s/one HTTP/1.1\r\nHost: a\r\n\r\n")
            _ = try await slow.receive(until: "\r\n\r\n")
            let busy = try await site.get("/s/two")
            #expect(busy.status == 503 && busy["Retry-After"] == "1")
            #expect(try await site.get("/s/small").text == "small")
            let same = try await site.get("/s/one", ["Range": "bytes=0-99999"])
            #expect(same.content == Array(StaticSite.pattern(8_000_000)[..<100_000]))
            slow.resetOnClose()
        }
    }

    @Test func whereTooManyWaitForTheDiskOthersAreRefused() async throws {
        let reader = FileReader(threadsMax: 1, waitingMax: 0)
        try await StaticSite.with(reader: reader) { site in
            try site.directory.write("f", "x")
            let gate = DispatchSemaphore(value: 0)
            #expect(reader.submit { gate.wait() })
            let answer = try await site.get("/s/f")
            #expect(answer.status == 503 && answer["Retry-After"] == "1")
            gate.signal()
        }
    }
}
