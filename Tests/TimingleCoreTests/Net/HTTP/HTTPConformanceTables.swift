/// The cases of `HTTPConformanceTests`, by section; the same bytes are the seeds of the fuzz targets.
///
/// Scalars up to U+00FF are bytes on the wire.
enum HTTPConformanceTables {
    typealias Case = HTTPConformanceCase

    static let all =
        requestLine + target + host + version + fields + persistence + length + chunked + methods + expectations
        + answers

    private static let get = "GET /x HTTP/1.1\r\nHost: a\r\n\r\n"

    /// RFC 9112 sections 2.2 and 3.
    static let requestLine: [Case] = [
        Case("9112-2.1-get", get, ["200 GET /x a []"], .keep),
        Case("9112-2.2-empty-line-before", "\r\n" + get, ["200 GET /x a []"], .keep),
        Case("9112-2.2-empty-line-between", get + "\r\n" + get, ["200", "200 GET /x a []"], .keep),
        .refused("9112-2.2-many-empty-lines", 400, "\r\n\r\n\r\n" + get),
        .refused("9112-2.2-bare-lf-before", 400, "\n" + get),
        .refused("9112-2.2-bare-lf-lines", 400, "GET / HTTP/1.1\nHost: a\n\n"),
        .refused("9112-2.2-bare-lf-field", 400, "GET / HTTP/1.1\r\nHost: a\nX: b\r\n\r\n"),
        .refused("9112-2.2-bare-lf-end", 400, "GET / HTTP/1.1\r\nHost: a\r\n\n"),
        .refused("9112-2.2-bare-cr-field", 400, "GET / HTTP/1.1\r\nHost: a\r\nX: b\rc\r\n\r\n"),
        .refused("9112-2.2-bare-cr-line", 400, "GET / HTTP/1.1\rHost: a\r\r" + "\n"),
        .refused("9112-2.2-bare-cr-target", 400, "GET /\r/ HTTP/1.1\r\nHost: a\r\n\r\n"),
        .refused("9112-2.2-cr-cr-lf", 400, "GET / HTTP/1.1\r\r\nHost: a\r\n\r\n"),
        .refused("9112-2.2-cr-cr-lf-end", 400, "GET / HTTP/1.1\r\nHost: a\r\n\r\r\n"),
        .refused("9112-2.2-space-before-first-field", 400, "GET / HTTP/1.1\r\n Host: a\r\n\r\n"),
        .refused("9112-2.2-nul-first", 400, "\u{0}" + get),
        .refused("9112-2.2-tls-hello", 400, "\u{16}\u{3}\u{1}\u{2}\u{0}\u{1}\r\n"),
        .refused("9112-3-no-version", 400, "GET /\r\n\r\n"),
        .refused("9112-3-method-only", 400, "GET\r\n\r\n"),
        .refused("9112-3-leading-space", 400, " GET / HTTP/1.1\r\nHost: a\r\n\r\n"),
        .refused("9112-3-two-spaces", 400, "GET  / HTTP/1.1\r\nHost: a\r\n\r\n"),
        .refused("9112-3-two-spaces-behind", 400, "GET /  HTTP/1.1\r\nHost: a\r\n\r\n"),
        .refused("9112-3-tab", 400, "GET\t/\tHTTP/1.1\r\nHost: a\r\n\r\n"),
        .refused("9112-3-tab-behind", 400, "GET /\tHTTP/1.1\r\nHost: a\r\n\r\n"),
        .refused("9112-3-vertical-tab", 400, "GET\u{b}/ HTTP/1.1\r\nHost: a\r\n\r\n"),
        .refused("9112-3-trailing-space", 400, "GET / HTTP/1.1 \r\nHost: a\r\n\r\n"),
        .refused("9112-3-trailing-word", 400, "GET / HTTP/1.1 x\r\nHost: a\r\n\r\n"),
        .refused("9112-3-space-in-target", 400, "GET /a b HTTP/1.1\r\nHost: a\r\n\r\n"),
        .refused(
            "9112-3-target-too-long",
            414,
            "GET /\(String(repeating: "a", count: 9_000)) HTTP/1.1\r\n",
            isCut: false
        ),
        .refused(
            "9112-3.1-method-too-long",
            501,
            String(repeating: "A", count: 9_000) + " / HTTP/1.1\r\n",
            isCut: false
        ),
        .refused("9112-3.1-method-no-token", 400, "G@T / HTTP/1.1\r\nHost: a\r\n\r\n"),
        .refused("9112-3.1-method-high-byte", 400, "G\u{c9}T / HTTP/1.1\r\nHost: a\r\n\r\n"),
        .refused("9112-3.1-method-colon", 400, "GET: / HTTP/1.1\r\nHost: a\r\n\r\n"),
    ]

    /// RFC 9112 section 3.2.
    static let target: [Case] = [
        Case("9112-3.2.1-query", "GET /x?a=b/c?d HTTP/1.1\r\nHost: a\r\n\r\n", ["200 GET /x?a=b/c?d a []"], .keep),
        Case("9112-3.2.1-not-found", "GET /nothing HTTP/1.1\r\nHost: a\r\n\r\n", ["404"], .keep),
        Case("9112-3.2.2-absolute", "GET http://b/x?y HTTP/1.1\r\nHost: b\r\n\r\n", ["200 GET /x?y b []"], .keep),
        // The authority of the target is the host; what Host says is ignored.
        Case("9112-3.2.2-overrides", "GET http://b:80/x HTTP/1.1\r\nHost: a\r\n\r\n", ["200 GET /x b:80 []"], .keep),
        Case("9112-3.2.2-no-path", "GET http://b HTTP/1.1\r\nHost: a\r\n\r\n", ["200 GET / b []"], .keep),
        Case("9112-3.2.2-query-only", "GET http://b?q HTTP/1.1\r\nHost: a\r\n\r\n", ["200 GET /?q b []"], .keep),
        Case("9112-3.2.2-scheme-case", "GET HTTPS://b/ HTTP/1.1\r\nHost: a\r\n\r\n", ["200 GET / b []"], .keep),
        Case("9112-3.2.2-http10", "GET http://b/x HTTP/1.0\r\n\r\n", ["200 GET /x b []"], .close),
        .refused("9112-3.2.2-without-host", 400, "GET http://b/x HTTP/1.1\r\n\r\n"),
        .refused("9112-3.2.2-bad-host-too", 400, "GET http://b/x HTTP/1.1\r\nHost: a@b\r\n\r\n"),
        .refused("9112-3.2.2-userinfo", 400, "GET http://u@b/ HTTP/1.1\r\nHost: b\r\n\r\n"),
        .refused("9112-3.2.2-empty-host", 400, "GET http:///x HTTP/1.1\r\nHost: b\r\n\r\n"),
        .refused("9112-3.2.2-empty-host-port", 400, "GET http://:80/x HTTP/1.1\r\nHost: b\r\n\r\n"),
        .refused("9112-3.2.2-bad-port", 400, "GET http://b:x/ HTTP/1.1\r\nHost: b\r\n\r\n"),
        .refused("9112-3.2.2-other-scheme", 400, "GET ftp://b/ HTTP/1.1\r\nHost: b\r\n\r\n"),
        .refused("9112-3.2.2-one-slash", 400, "GET http:/x HTTP/1.1\r\nHost: b\r\n\r\n"),
        .refused("9112-3.2.2-no-scheme", 400, "GET b/x HTTP/1.1\r\nHost: b\r\n\r\n"),
        Case("9112-3.2.3-connect", "CONNECT a:80 HTTP/1.1\r\nHost: a:80\r\n\r\n" + get, ["501"], .close),
        .refused("9112-3.2.3-connect-origin", 400, "CONNECT /x HTTP/1.1\r\nHost: a\r\n\r\n"),
        .refused("9112-3.2.3-connect-absolute", 400, "CONNECT http://a/ HTTP/1.1\r\nHost: a\r\n\r\n"),
        .refused("9112-3.2.3-connect-no-port", 400, "CONNECT a HTTP/1.1\r\nHost: a\r\n\r\n"),
        .refused("9112-3.2.3-connect-empty-port", 400, "CONNECT a: HTTP/1.1\r\nHost: a\r\n\r\n"),
        .refused("9112-3.2.3-connect-port-zero", 400, "CONNECT a:0 HTTP/1.1\r\nHost: a\r\n\r\n"),
        .refused("9112-3.2.3-connect-port-too-high", 400, "CONNECT a:65536 HTTP/1.1\r\nHost: a\r\n\r\n"),
        Case("9112-3.2.4-options-asterisk", "OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n" + get, ["204", "200"], .keep),
        Case("9112-3.2.4-options-absolute", "OPTIONS http://a:8001 HTTP/1.1\r\nHost: a\r\n\r\n", ["204"], .keep),
        .refused("9112-3.2.4-get-asterisk", 400, "GET * HTTP/1.1\r\nHost: a\r\n\r\n"),
        .refused("9112-3.2.4-asterisk-path", 400, "OPTIONS *x HTTP/1.1\r\nHost: a\r\n\r\n"),
        .refused("9112-3.2-fragment", 400, "GET /x#y HTTP/1.1\r\nHost: a\r\n\r\n"),
        .refused("9112-3.2-high-byte", 400, "GET /\u{e9} HTTP/1.1\r\nHost: a\r\n\r\n"),
        .refused("9112-3.2-nul", 400, "GET /\u{0} HTTP/1.1\r\nHost: a\r\n\r\n"),
        .refused("9112-3.2-backslash", 400, "GET /\\x HTTP/1.1\r\nHost: a\r\n\r\n"),
        .refused("9112-3.2-broken-escape", 400, "GET /%4 HTTP/1.1\r\nHost: a\r\n\r\n"),
        .refused("9112-3.2-bad-escape", 400, "GET /%zz HTTP/1.1\r\nHost: a\r\n\r\n"),
        Case("9112-3.2-escaped-nul", "GET /%00 HTTP/1.1\r\nHost: a\r\n\r\n", ["404"], .keep),
    ]

    /// RFC 9112 section 3.2 and RFC 9110 section 7.2.
    static let host: [Case] =
        [
            "a", "a.example", "a:80", "a:", "A-b_c.example:65535", "127.0.0.1", "[::1]", "[::1]:80", "[2001:DB8::a:1]",
            "[::ffff:127.0.0.1]", "[1:2:3:4:5:6:7:8]",
        ].enumerated().map { index, host in
            Case(
                "9110-7.2-host-\(index)",
                "GET / HTTP/1.1\r\nHost: \(host)\r\n\r\n",
                ["200 GET / \(host) []"],
                .keep
            )
        }
        + Self.badHost + [
            .refused("9112-3.2-no-host", 400, "GET / HTTP/1.1\r\n\r\n"),
            .refused("9112-3.2-two-hosts", 400, "GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n"),
            .refused("9112-3.2-two-equal-hosts", 400, "GET / HTTP/1.1\r\nHost: a\r\nX: y\r\nhOST: a\r\n\r\n"),
            .refused("9112-3.2-two-hosts-http10", 400, "GET / HTTP/1.0\r\nHost: a\r\nHost: a\r\n\r\n"),
            .refused("9112-3.2-empty-host-http10", 400, "GET / HTTP/1.0\r\nHost:\r\n\r\n"),
            .refused("9112-3.2-no-host-with-asterisk", 400, "OPTIONS * HTTP/1.1\r\n\r\n"),
        ]

    /// RFC 9112 section 2.3 and RFC 9110 section 15.6.6.
    static let version: [Case] = [
        Case("9112-2.3-http10", "GET /x HTTP/1.0\r\n\r\n" + get, ["200 GET /x - []"], .close),
        Case("9110-2.5-higher-minor", "GET /x HTTP/1.9\r\nHost: a\r\n\r\n", ["200"], .keep),
        .refused("9110-15.6.6-http2", 505, "GET / HTTP/2.0\r\nHost: a\r\n\r\n"),
        .refused("9110-15.6.6-http2-preface", 505, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"),
        .refused("9110-15.6.6-http3", 505, "GET / HTTP/3.0\r\nHost: a\r\n\r\n"),
        .refused("9110-15.6.6-http09", 505, "GET / HTTP/0.9\r\n\r\n"),
        .refused("9112-2.3-two-digits", 400, "GET / HTTP/1.10\r\nHost: a\r\n\r\n"),
        .refused("9112-2.3-leading-zero", 400, "GET / HTTP/01.1\r\nHost: a\r\n\r\n"),
        .refused("9112-2.3-major-only", 400, "GET / HTTP/1\r\nHost: a\r\n\r\n"),
        .refused("9112-2.3-no-minor", 400, "GET / HTTP/1.\r\nHost: a\r\n\r\n"),
        .refused("9112-2.3-comma", 400, "GET / HTTP/1,1\r\nHost: a\r\n\r\n"),
        .refused("9112-2.3-letter", 400, "GET / HTTP/1.x\r\nHost: a\r\n\r\n"),
        .refused("9112-2.3-lower-case", 400, "GET / http/1.1\r\nHost: a\r\n\r\n"),
        .refused("9112-2.3-other-name", 400, "GET / HTTQ/1.1\r\nHost: a\r\n\r\n"),
        .refused("9112-2.3-high-digit", 400, "GET / HTTP/1.\u{b9}\r\nHost: a\r\n\r\n"),
    ]

    /// RFC 9112 section 5 and RFC 9110 section 5.
    static let fields: [Case] =
        [
            Case("9112-5-no-space", "GET /x HTTP/1.1\r\nHost:a\r\n\r\n", ["200 GET /x a []"], .keep),
            Case("9112-5-outer-space", "GET /x HTTP/1.1\r\nHost: \t a \t \r\n\r\n", ["200 GET /x a []"], .keep),
            Case("9110-5.1-case", "GET /x HTTP/1.1\r\nhOsT: a\r\n\r\n", ["200 GET /x a []"], .keep),
            Case("9110-5.5-empty", "GET /x HTTP/1.1\r\nHost: a\r\nX:\r\nY: \r\n\r\n", ["200"], .keep),
            Case("9110-5.5-obs-text", "GET /x HTTP/1.1\r\nHost: a\r\nX: \u{e9}\u{ff}\r\n\r\n", ["200"], .keep),
            Case("9110-5.5-inner-tab", "GET /x HTTP/1.1\r\nHost: a\r\nX: a\tb\r\n\r\n", ["200"], .keep),
            Case(
                "9110-5.6.2-all-tchars",
                "GET /x HTTP/1.1\r\nHost: a\r\n!#$%&'*+-.^_`|~09azAZ: b\r\n\r\n",
                ["200"],
                .keep
            ),
            .refused("9112-5.1-space-before-colon", 400, "GET / HTTP/1.1\r\nHost : a\r\n\r\n"),
            .refused("9112-5.1-tab-before-colon", 400, "GET / HTTP/1.1\r\nHost: a\r\nX\t: a\r\n\r\n"),
            .refused("9112-5.1-space-in-name", 400, "GET / HTTP/1.1\r\nHost: a\r\nX Y: a\r\n\r\n"),
            .refused("9112-5.1-no-colon", 400, "GET / HTTP/1.1\r\nHost: a\r\nX\r\n\r\n"),
            .refused("9112-5.1-no-name", 400, "GET / HTTP/1.1\r\nHost: a\r\n: a\r\n\r\n"),
            .refused("9112-5.2-obs-fold", 400, "GET / HTTP/1.1\r\nHost: a\r\nX: a\r\n b\r\n\r\n"),
            .refused("9112-5.2-obs-fold-tab", 400, "GET / HTTP/1.1\r\nHost: a\r\nX: a\r\n\tb\r\n\r\n"),
            .refused("9112-5.2-obs-fold-empty", 400, "GET / HTTP/1.1\r\nHost: a\r\nX: a\r\n \r\n\r\n"),
            .refused(
                "9110-15.5-fields-too-large",
                431,
                "GET / HTTP/1.1\r\nHost: a\r\nX: \(String(repeating: "v", count: 17_000))",
                isCut: false
            ),
            .refused(
                "9110-15.5-too-many-fields",
                431,
                "GET / HTTP/1.1\r\nHost: a\r\n" + String(repeating: "X: y\r\n", count: 101),
                isCut: false
            ),
        ]
        + Self.controlInValue + Self.controlInName
        + Self.noToken

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

    private static func post(_ fields: String, _ body: String = "", _ version: String = "1.1") -> String {
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

    private static func chunked(_ body: String, _ fields: String = "") -> String {
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
                "9112-7.1.2-trailers-too-long",
                400,
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

    /// A case for each of the values, named by its place.
    private static func refusedEach(_ name: String, _ values: [String], _ bytes: (String) -> String) -> [Case] {
        values.enumerated().map { index, value in .refused("\(name)-\(index)", 400, bytes(value)) }
    }

    private static let badHost: [Case] = Self.refusedEach(
        "9112-3.2-bad-host",
        [
            "", "a b", "a,b", "a/", "a?", "a#", "u@a", "a:80:80", "a:x", "a:-1", "a:+1", "a:65536", "a:000080", ":80",
            "[::1",
            "::1", "[x]", "[]", "[:]", "[:::]", "[1::2::3]", "[1:2:3:4:5:6:7]", "[1:2:3:4:5:6:7:8:9]", "[12345::]",
            "[::1.2.3]", "[::1.2.3.256]", "[1.2.3.4]", "[::1]x", "[fe80::1%25eth0]", "a%41", "a\u{e9}", "a\\b",
            "http://a",
        ]
    ) { host in
        "GET / HTTP/1.1\r\nHost: \(host)\r\n\r\n"
    }

    private static let noToken: [Case] = Self.refusedEach(
        "9110-5.1-no-token",
        ["(", ")", ",", "/", ";", "<", "=", ">", "?", "@", "[", "\\", "]", "{", "}", "\"", "\u{80}", "\u{ff}"]
    ) { byte in
        "GET / HTTP/1.1\r\nHost: a\r\nX\(byte)Y: b\r\n\r\n"
    }

    private static let badLength: [Case] = Self.refusedEach(
        "9110-8.6-bad-length",
        [
            "5,5", "5, 5", "+5", "-5", "-0", "5.", "5.0", "0x5", "5 5", "5;", "\"5\"", "", " ", "five", "1e1", "5_0",
            "9223372036854775808", "18446744073709551616", "18446744073709551621", "\u{b2}", "5\u{a0}",
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

    private static let controls = ["\u{0}", "\u{1}", "\u{8}", "\u{b}", "\u{c}", "\u{1b}", "\u{7f}"]

    private static let controlInValue: [Case] = Self.refusedEach("9110-5.5-control-in-value", controls) { byte in
        "GET / HTTP/1.1\r\nHost: a\r\nX: a\(byte)b\r\n\r\n"
    }

    private static let controlInName: [Case] = Self.refusedEach("9110-5.1-control-in-name", controls) { byte in
        "GET / HTTP/1.1\r\nHost: a\r\nX\(byte): b\r\n\r\n"
    }
}
