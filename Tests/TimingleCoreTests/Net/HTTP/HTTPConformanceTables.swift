/// The cases of `HTTPConformanceTests`, by section; the same bytes are the seeds of the fuzz targets.
///
/// Here are those of a head; what a request's length is lies in `+Framing`, what follows it in `+Exchange`.
/// Scalars up to U+00FF are bytes on the wire.
enum HTTPConformanceTables {
    typealias Case = HTTPConformanceCase

    static let all =
        requestLine + target + host + version + fields + persistence + length + chunked + methods + expectations
        + answers

    static let get = "GET /x HTTP/1.1\r\nHost: a\r\n\r\n"

    /// RFC 9112 sections 2.2 and 3.
    static let requestLine: [Case] = [
        Case("9112-2.1-get", get, ["200 GET /x a []"], .keep),
        Case("9112-2.2-empty-line-before", "\r\n" + get, ["200 GET /x a []"], .keep),
        Case("9112-2.2-empty-line-between", get + "\r\n" + get, ["200", "200 GET /x a []"], .keep),
        Case("9112-2.2-empty-lines-behind", get + "\r\n\r\n", ["200"], .keep),
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

    /// A case for each of the values, named by its place.
    static func refusedEach(_ name: String, _ values: [String], _ bytes: (String) -> String) -> [Case] {
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

    private static let controls = ["\u{0}", "\u{1}", "\u{8}", "\u{b}", "\u{c}", "\u{1b}", "\u{7f}"]

    private static let controlInValue: [Case] = Self.refusedEach("9110-5.5-control-in-value", controls) { byte in
        "GET / HTTP/1.1\r\nHost: a\r\nX: a\(byte)b\r\n\r\n"
    }

    private static let controlInName: [Case] = Self.refusedEach("9110-5.1-control-in-name", controls) { byte in
        "GET / HTTP/1.1\r\nHost: a\r\nX\(byte): b\r\n\r\n"
    }
}
