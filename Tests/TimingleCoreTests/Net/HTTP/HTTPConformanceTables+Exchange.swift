/// What follows one request on a connection: the next one, what was expected, and the answer.
extension HTTPConformanceTables {
    /// RFC 9112 section 9.
    static let persistence: [Case] = [
        Case("9112-9.3-persists", get + get, ["200", "200"], .keep),
        Case(
            "9112-9.3-keep-alive",
            "GET / HTTP/1.1\r\nHost: a\r\nConnection: keep-alive\r\n\r\n" + get,
            ["200", "200"],
            .keep
        ),
        Case(
            "9112-9.3-close",
            "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n" + get,
            ["200 GET / a []"],
            .close
        ),
        Case("9112-9.3-close-case", "GET / HTTP/1.1\r\nHost: a\r\nConnection: CLOSE\r\n\r\n" + get, ["200"], .close),
        Case(
            "9112-9.3-close-wins",
            "GET / HTTP/1.1\r\nHost: a\r\nConnection: close, keep-alive\r\n\r\n" + get,
            ["200"],
            .close
        ),
        Case(
            "9112-9.3-close-wins-behind",
            "GET / HTTP/1.1\r\nHost: a\r\nConnection: keep-alive\r\nConnection: x,, close\r\n\r\n" + get,
            ["200"],
            .close
        ),
        Case(
            "9112-9.3-http10-keep-alive",
            "GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n" + get,
            ["200", "200"],
            .keep
        ),
        Case(
            "9112-9.3-http10-close-wins",
            "GET / HTTP/1.0\r\nConnection: keep-alive, close\r\n\r\n" + get,
            ["200"],
            .close
        ),
        // What Connection lists is for intermediaries to take away: it changes nothing here.
        Case(
            "9110-7.6.1-listed-fields",
            "POST / HTTP/1.1\r\nHost: a\r\nConnection: Host, Content-Length\r\nContent-Length: 2\r\n\r\nab" + get,
            ["200 POST / a [ab]", "200"],
            .keep
        ),
        Case(
            "9110-7.6.1-listed-coding",
            "POST / HTTP/1.1\r\nHost: a\r\nConnection: Transfer-Encoding\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"
                + get,
            ["200 POST / a []", "200"],
            .keep
        ),
        .refused("9110-7.6.1-no-token", 400, "GET / HTTP/1.1\r\nHost: a\r\nConnection: a b\r\n\r\n"),
        Case(
            "9112-9.3.2-pipelining",
            "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\n1" + "GET /b?2 HTTP/1.1\r\nHost: a\r\n\r\n"
                + "POST /x HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1\r\n3\r\n0\r\n\r\n"
                + "HEAD /x HTTP/1.1\r\nHost: a\r\n\r\n" + get,
            ["200 POST / a [1]", "200 GET /b?2 a []", "200 POST /x a [3]", "HEAD 200", "200 GET /x a []"],
            .keep
        ),
        Case(
            "9112-9.3.2-refused-behind-good",
            get + "GET / HTTP/1.1\r\n\r\n" + get,
            ["200 GET /x a []", "400"],
            .close
        ),
        Case(
            "9110-7.8-unknown-upgrade",
            "GET / HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: h2c\r\n\r\n",
            ["200"],
            .keep
        ),
    ]

    /// RFC 9110 section 9.
    static let methods: [Case] = [
        Case("9110-9.1-unknown", "BREW /x HTTP/1.1\r\nHost: a\r\n\r\n" + get, ["501", "200"], .keep),
        Case("9110-9.1-unknown-anywhere", "BREW /nothing HTTP/1.1\r\nHost: a\r\n\r\n" + get, ["501", "200"], .keep),
        Case("9110-9.1-case-sensitive", "get /x HTTP/1.1\r\nHost: a\r\n\r\n", ["501"], .keep),
        Case(
            "9110-9.1-with-content",
            "BREW /x HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nab" + get,
            ["501", "200"],
            .keep
        ),
        Case("9110-9.3.2-head", "HEAD /x HTTP/1.1\r\nHost: a\r\n\r\n" + get, ["HEAD 200", "200"], .keep),
        Case(
            "9110-9.3.2-head-not-found",
            "HEAD /nothing HTTP/1.1\r\nHost: a\r\n\r\n" + get,
            ["HEAD 404", "200"],
            .keep
        ),
        Case(
            "9110-9.3.2-head-of-failure",
            "HEAD /fails HTTP/1.1\r\nHost: a\r\n\r\n" + get,
            ["HEAD 500", "200"],
            .keep
        ),
        Case("9110-9.3.2-head-refused", "HEAD /x HTTP/1.1\r\nHost: a b\r\n\r\n", ["HEAD 400"], .close),
        Case("9110-9.3.2-head-refused-early", "HEAD /x HTTP/1.1\r\nHost : a\r\n\r\n", ["HEAD 400"], .close),
        Case(
            "9110-9.3.2-head-refused-behind",
            "HEAD /x HTTP/1.1\r\nHost: a\r\nContent-Length: 2000\r\n\r\n",
            ["HEAD 413"],
            .close
        ),
        Case("9110-9.3.2-head-bare-lf", "HEAD /x HTTP/1.1\nHost: a\r\n\r\n", ["HEAD 400"], .close),
        Case("9110-9.3.2-head-bad-version", "HEAD /x HTTP/9.9\r\nHost: a\r\n\r\n", ["HEAD 505"], .close),
        Case(
            "9110-9.3.2-head-too-long",
            "HEAD /" + String(repeating: "a", count: 9_000),
            ["HEAD 414"],
            .close,
            isCut: false
        ),
        Case(
            "9110-9.3.2-no-head-too-long",
            "HEADS /" + String(repeating: "a", count: 9_000),
            ["414 The request line is too long.\n"],
            .close,
            isCut: false
        ),
        Case("9110-15.5.6-not-allowed", "PUT /only-get HTTP/1.1\r\nHost: a\r\n\r\n" + get, ["405", "200"], .keep),
        Case(
            "9110-9.3.8-trace",
            "TRACE /x HTTP/1.1\r\nHost: a\r\nCookie: secret\r\n\r\n" + get,
            ["405", "200"],
            .keep
        ),
        Case("9110-9.3.7-options", "OPTIONS /only-get HTTP/1.1\r\nHost: a\r\n\r\n" + get, ["204", "200"], .keep),
        Case(
            "9110-9.3.7-options-not-found",
            "OPTIONS /nothing HTTP/1.1\r\nHost: a\r\n\r\n" + get,
            ["404", "200"],
            .keep
        ),
        Case(
            "9110-9.3.7-options-with-content",
            "OPTIONS * HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nab" + get,
            ["204", "200"],
            .keep
        ),
        Case(
            "9110-9.3.6-connect-content",
            "CONNECT a:80 HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nab" + get,
            ["501"],
            .close
        ),
    ]

    /// RFC 9110 section 10.1.1.
    static let expectations: [Case] = [
        Case("9110-10.1.1-continue", post("Content-Length: 2\r\nExpect: 100-continue"), ["100"], .keep),
        Case("9110-10.1.1-continue-chunked", chunked("", "Expect: 100-continue\r\n"), ["100"], .keep),
        Case("9110-10.1.1-continue-case", post("Content-Length: 2\r\nExpect: 100-Continue"), ["100"], .keep),
        Case(
            "9110-10.1.1-content-is-there",
            post("Content-Length: 2\r\nExpect: 100-continue", "ab"),
            ["200 POST / a [ab]"],
            .keep,
            isCut: false
        ),
        Case(
            "9110-10.1.1-some-content-is-there",
            post("Content-Length: 2\r\nExpect: 100-continue", "a"),
            [],
            .keep,
            isCut: false
        ),
        Case(
            "9110-10.1.1-no-content",
            "GET /x HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\n\r\n",
            ["200 GET /x a []"],
            .keep
        ),
        Case(
            "9110-10.1.1-empty-content",
            post("Content-Length: 0\r\nExpect: 100-continue"),
            ["200 POST / a []"],
            .keep
        ),
        Case(
            "9110-10.1.1-http10",
            post("Content-Length: 2\r\nExpect: 100-continue", "ab", "1.0"),
            ["200 POST / a [ab]"],
            .close
        ),
        Case("9110-10.1.1-http10-waits", post("Content-Length: 2\r\nExpect: 100-continue", "", "1.0"), [], .keep),
        Case(
            "9110-10.1.1-twice",
            post("Content-Length: 2\r\nExpect: 100-continue\r\nExpect: 100-continue"),
            ["100"],
            .keep
        ),
        Case("9110-10.1.1-list", post("Content-Length: 2\r\nExpect: 100-continue,, 100-continue"), ["100"], .keep),
        .refused("9110-10.1.1-too-large", 413, post("Content-Length: 1001\r\nExpect: 100-continue")),
        .refused("9110-15.5.18-unknown", 417, post("Content-Length: 2\r\nExpect: 200-ok")),
        .refused("9110-15.5.18-unknown-too", 417, post("Content-Length: 2\r\nExpect: 100-continue, x")),
        .refused("9110-15.5.18-parameter", 417, post("Content-Length: 2\r\nExpect: 100-continue;a=b")),
    ]

    /// RFC 9110 sections 6.4.1, 8.6 and 15: what has content, and what only says so.
    static let answers: [Case] =
        [
            Case("9110-5.5-own-fields", "GET /fields HTTP/1.1\r\nHost: a\r\n\r\n\(get)", ["200", "200"], .keep),
            Case("9110-15.6.1-failure", "GET /fails HTTP/1.1\r\nHost: a\r\n\r\n\(get)", ["500", "200"], .keep),
            Self.status("GET", 205, "205 "), Self.status("GET", 204, "204"), Self.status("GET", 304, "304"),
            Self.status("HEAD", 204, "204"), Self.status("HEAD", 304, "304"),
        ]
        + [200, 201, 404, 500].map { Self.status("GET", $0, "\($0) content") }
        + [200, 201, 205, 404, 500].map { Self.status("HEAD", $0, "HEAD \($0)") }

    private static func status(_ method: String, _ code: Int, _ answer: String) -> Case {
        Case(
            "9110-15-\(method.lowercased())-\(code)",
            "\(method) /status/\(code) HTTP/1.1\r\nHost: a\r\n\r\n\(get)",
            [answer, "200"],
            .keep
        )
    }
}
