/// How long a request is: what its fields say, and the chunks of its body.
extension HTTPConformanceTables {
    static func post(_ fields: String, _ body: String = "", _ version: String = "1.1") -> String {
        "POST / HTTP/\(version)\r\nHost: a\r\n\(fields)\r\n\r\n\(body)"
    }

    /// RFC 9112 section 6 and RFC 9110 section 8.6.
    static let length: [Case] =
        [
            Case("9112-6.2-length", post("Content-Length: 5", "hello") + get, ["200 POST / a [hello]", "200"], .keep),
            Case("9112-6.2-zero", post("Content-Length: 0") + get, ["200 POST / a []", "200"], .keep),
            Case(
                "9110-8.6-leading-zeros",
                post("Content-Length: 0005", "hello") + get,
                ["200 POST / a [hello]", "200"],
                .keep
            ),
            Case("9112-6.3-no-length", "POST / HTTP/1.1\r\nHost: a\r\n\r\n" + get, ["200 POST / a []", "200"], .keep),
            Case(
                "9110-9.3.1-get-with-content",
                "GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nab" + get,
                ["200 GET / a [ab]", "200"],
                .keep
            ),
            Case("9112-6.2-http10", post("Content-Length: 2", "ab", "1.0"), ["200 POST / a [ab]"], .close),
            .refused("9110-15.5.12-http10-no-length", 411, "POST / HTTP/1.0\r\n\r\n"),
            .refused("9110-15.5.12-http10-put-keep-alive", 411, "PUT / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n"),
            .refused("9110-15.5.12-expects-without-length", 411, post("Expect: 100-continue")),
            .refused("9110-15.5.14-too-large", 413, post("Content-Length: 1001")),
            .refused("9110-15.5.14-far-too-large", 413, post("Content-Length: 9223372036854775807")),
            .refused("9110-15.5.14-beyond-63-bits", 413, post("Content-Length: 9223372036854775808")),
            .refused("9110-15.5.14-zero-in-64-bits", 413, post("Content-Length: 18446744073709551616")),
            .refused("9110-15.5.14-five-in-64-bits", 413, post("Content-Length: 18446744073709551621", "hello")),
            .refused(
                "9112-6.3-two-lengths-beyond-64-bits",
                400,
                post("Content-Length: 18446744073709551621\r\nContent-Length: 5", "hello")
            ),
            .refused(
                "9112-6.1-coding-and-length-beyond-64-bits",
                400,
                post("Content-Length: 18446744073709551616\r\nTransfer-Encoding: chunked", "0\r\n\r\n")
            ),
            .refused("9112-6.3-two-lengths", 400, post("Content-Length: 5\r\nContent-Length: 6", "hello")),
            .refused("9112-6.3-two-equal-lengths", 400, post("Content-Length: 5\r\nContent-Length: 5", "hello")),
            .refused("9112-6.3-two-zero-lengths", 400, post("Content-Length: 0\r\nContent-Length: 0")),
            .refused("9112-6.3-two-lengths-behind-zero", 400, post("Content-Length: 0\r\nContent-Length: 5", "hello")),
            .refused(
                "9112-6.1-length-and-coding",
                400,
                post("Content-Length: 5\r\nTransfer-Encoding: chunked", "0\r\n\r\n")
            ),
            .refused(
                "9112-6.1-coding-and-length",
                400,
                post("Transfer-Encoding: chunked\r\nContent-Length: 5", "0\r\n\r\n")
            ),
            .refused(
                "9112-6.1-zero-length-and-coding",
                400,
                post("Content-Length: 0\r\nTransfer-Encoding: chunked", "0\r\n\r\n")
            ),
            .refused("9112-6.1-coding-in-http10", 400, post("Transfer-Encoding: chunked", "0\r\n\r\n", "1.0")),
            .refused("9112-6.1-identity-in-http10", 400, post("Transfer-Encoding: identity", "", "1.0")),
            .refused("9112-6.1-unknown-coding", 501, post("Transfer-Encoding: gzip, chunked", "0\r\n\r\n")),
        ]
        + Self.badLength
        + Self.badCoding
        + Self.hidden

    static func chunked(_ body: String, _ fields: String = "") -> String {
        "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\(fields)\r\n\(body)"
    }

    /// RFC 9112 section 7.1.
    static let chunked: [Case] =
        [
            Case(
                "9112-7.1-chunks",
                chunked("3\r\nabc\r\nA\r\n0123456789\r\n0\r\n\r\n") + get,
                ["200 POST / a [abc0123456789]", "200"],
                .keep
            ),
            Case(
                "9112-7.1-lower-hex",
                chunked("a\r\n0123456789\r\n0\r\n\r\n") + get,
                ["200 POST / a [0123456789]", "200"],
                .keep
            ),
            Case(
                "9112-7.1-leading-zeros",
                chunked("0003\r\nabc\r\n000\r\n\r\n") + get,
                ["200 POST / a [abc]", "200"],
                .keep
            ),
            Case(
                "9112-7.1-crlf-in-chunk",
                chunked("4\r\n\r\n\r\n\r\n0\r\n\r\n") + get,
                ["200 POST / a [\r\n\r\n]", "200"],
                .keep
            ),
            Case(
                "9112-6.1-coding-case",
                "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: \t CHUNKED \r\n\r\n0\r\n\r\n" + get,
                ["200", "200"],
                .keep
            ),
            Case(
                "9112-7.1.1-extensions",
                chunked("3;a;b=c;d=\"e;\\\"\r\";f\r\nabc\r\n0;last\r\n\r\n".replacing("\r\"", with: "\"")) + get,
                ["200 POST / a [abc]", "200"],
                .keep
            ),
            Case(
                "9112-7.1.1-extension-space",
                chunked("3 ; a = b \t;\tc\r\nabc\r\n0\r\n\r\n") + get,
                ["200 POST / a [abc]", "200"],
                .keep
            ),
            Case("9112-7.1.2-trailers", chunked("0\r\nX: y\r\nZ:\r\n\r\n") + get, ["200 POST / a []", "200"], .keep),
            // RFC 9110 section 6.5.1: what frames or routes has no meaning in a trailer.
            Case(
                "9110-6.5.1-forbidden-trailers",
                chunked("0\r\nHost: b\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n")
                    + get,
                ["200 POST / a []", "200 GET /x a []"],
                .keep
            ),
            .refused("9112-7.1.2-trailer-fold", 400, chunked("0\r\nX: y\r\n z\r\n\r\n")),
            .refused("9112-7.1.2-trailer-space", 400, chunked("0\r\nX : y\r\n\r\n")),
            .refused("9112-7.1.2-trailer-no-colon", 400, chunked("0\r\nX\r\n\r\n")),
            .refused("9112-7.1.2-trailer-no-name", 400, chunked("0\r\n: y\r\n\r\n")),
            .refused("9112-7.1.2-trailer-bare-lf", 400, chunked("0\r\nX: y\n\r\n")),
            .refused("9112-7.1.2-trailer-bare-cr", 400, chunked("0\r\nX: y\rz\r\n\r\n")),
            .refused("9112-7.1.2-trailer-nul", 400, chunked("0\r\nX: \u{0}\r\n\r\n")),
            .refused("9112-7.1.2-trailer-lf-end", 400, chunked("0\r\nX: y\r\n\n")),
            .refused(
                "9110-15.5-trailers-too-large",
                431,
                chunked("0\r\nX: \(String(repeating: "y", count: 600))\r\n\r\n"),
                isCut: false
            ),
        ]
        + Self.badSize
        + Self.badFraming
        + Self.badExtension
        + [
            .refused("9112-7.1-too-large", 413, chunked("3e9\r\n")),
            .refused("9112-7.1-far-too-large", 413, chunked("7fffffffffffffff\r\n")),
            .refused(
                "9112-7.1-too-large-in-sum",
                413,
                chunked("3e8\r\n\(String(repeating: "a", count: 1_000))\r\n1\r\n"),
                isCut: false
            ),
            .refused("9112-7.1-overflow", 413, chunked("ffffffffffffffff\r\n")),
            .refused(
                "9112-7.1.1-long-extension",
                400,
                chunked("1;a=\(String(repeating: "b", count: 300))\r\n"),
                isCut: false
            ),
            .refused(
                "9112-7.1.1-extension-flood",
                413,
                chunked(String(repeating: "1;a=\(String(repeating: "b", count: 90))\r\nc\r\n", count: 30)),
                isCut: false
            ),
        ]

    private static let badLength: [Case] = Self.refusedEach(
        "9110-8.6-bad-length",
        [
            "5,5", "5, 5", "+5", "-5", "-0", "5.", "5.0", "0x5", "5 5", "5;", "\"5\"", "", " ", "five", "1e1", "5_0",
            "9223372036854775808x", "+18446744073709551616", "18446744073709551621,5", "\u{b2}", "5\u{a0}",
        ]
    ) { value in
        post("Content-Length: \(value)", "hello")
    }

    private static let badCoding: [Case] = Self.refusedEach(
        "9112-6.1-bad-coding",
        [
            "", "xchunked", "chunkedx", "chunked, identity", "identity", "identity, chunked", "chunked, chunked",
            ", chunked",
            "chunked,", "chunked;q=1", "\"chunked\"", "'chunked'", "chunked chunked", "chunk", "chunKed,gzip",
            "\u{b}chunked", "chunked\u{0}", "chunked\u{a0}", "chunked\r\nTransfer-Encoding: chunked",
            "chunked\r\nTransfer-Encoding: identity", "identity\r\nTransfer-Encoding: chunked",
            "\r\n chunked", "chun\u{212a}ed",
        ]
    ) { value in
        post("Transfer-Encoding: \(value)", "0\r\n\r\n")
    }

    private static let hidden: [Case] = Self.refusedEach(
        "9112-11.2-hidden",
        [
            "Transfer-Encoding : chunked", " Transfer-Encoding: chunked", "\tTransfer-Encoding: chunked",
            "Transfer-Encoding\u{0}: chunked", "Transfer-Encoding\t: chunked", "X: y\rTransfer-Encoding: chunked",
            "X: y\nTransfer-Encoding: chunked", "Transfer-Encoding\r\n: chunked", "\u{0}Transfer-Encoding: chunked",
            "Content-Length : 5", "Content-Length\u{b}: 5", "X: y\r\n\u{b}Content-Length: 5",
        ]
    ) { line in
        post("Z: z\r\n\(line)", "0\r\n\r\n")
    }

    private static let badSize: [Case] = Self.refusedEach(
        "9112-7.1-bad-size",
        [
            "", "g", "-1", "+1", "0x1", " 1", "1 ", "1\t", "1\r", "1\n1", "\u{b2}", "1,", "1.", "1_",
            "00000000000000001",
            "_1", "1\u{0}", "\u{0}1", "\r\n1",
        ]
    ) { size in
        chunked("\(size)\r\na\r\n0\r\n\r\n")
    }

    private static let badFraming: [Case] = Self.refusedEach(
        "9112-7.1-bad-framing",
        [
            "1\na\r\n0\r\n\r\n", "1\r\na\n0\r\n\r\n", "1\r\na0\r\n\r\n", "1\r\nab\r\n0\r\n\r\n", "1\r\na\r0\r\n\r\n",
            "0\n\n",
            "0\r\n\n", "0\r\n\rX", "1\r\na\r\n\r\n0\r\n\r\n", "2\r\na\r\n0\r\n\r\n", "1\r\n\r\n0\r\n\r\n",
        ]
    ) { body in
        chunked(body)
    }

    private static let badExtension: [Case] = Self.refusedEach(
        "9112-7.1.1-bad-extension",
        [
            ";", ";;a", ";=", ";a=", ";a=;b", ";a b", ";a=b c", ";a=\"b", ";a=\"b\"c", ";a=\"\u{0}\"", ";a=\"\\\u{1}\"",
            ";a(",
            ";a\nb", ";\u{0}", ";a=\"\n\"", ";a\r", ";a=b\rc", " ", " a", "\t;",
        ]
    ) { text in
        chunked("1\(text)\r\na\r\n0\r\n\r\n")
    }
}
