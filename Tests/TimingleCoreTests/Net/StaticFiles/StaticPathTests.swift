import Testing

@testable import TimingleNet

struct StaticPathTests {
    private static let namesAreTakenFromTheTargetTable: [(String, [String]?, Bool)] = [
        ("/console/app.js", ["app.js"], false), ("/console/a/b/c.css", ["a", "b", "c.css"], false),
        ("/console/", [], true), ("/console", [], false), ("/console/dir/", ["dir"], true),
        ("/console/app.js?v=1", ["app.js"], false), ("/console/?x=/../y", [], true), ("/console?x", [], false),
        ("/console/a%20b", ["a b"], false), ("/console/%61pp.js", ["app.js"], false),
        ("/console/a+b", ["a+b"], false), ("/console/%ED%95%9C.html", ["한.html"], false),
        // Decoded once: a file may be called so.
        ("/console/%252e%252e", ["%2e%2e"], false), ("/console/%25", ["%"], false),
        ("/console/..a", nil, false), ("/%63onsole/app.js", ["app.js"], false),
    ]

    @Test(arguments: Self.namesAreTakenFromTheTargetTable)
    func namesAreTakenFromTheTarget(target: String, names: [String]?, endsInSlash: Bool) {
        let path = StaticPath(target: target, prefixCount: 1)
        #expect(path?.names == names)
        if names != nil { #expect(path?.endsInSlash == endsInSlash) }
    }

    private static let refused: [String] = [
        "/console/..", "/console/../etc", "/console/a/../b", "/console/a/..", "/console/.", "/console/./a",
        "/console/%2e%2e", "/console/%2E%2E/x", "/console/.%2e/x", "/console/%2e", "/console/.env", "/console/.git/x",
        "/console/a/.htaccess", "/console/%2ehidden", "/console//a", "/console/a//b", "/console//", "/console/a//",
        "/console/a%2fb", "/console/..%2f..%2fetc", "/console/%2fetc", "/console/a%5cb", "/console/..%5c..",
        "/console/a\\b",
        "/console/a%00", "/console/%00", "/console/a%00.js", "/console/a%0a", "/console/a%7f", "/console/a%1f",
        "/console/%ff", "/console/%c0%ae%c0%ae", "/console/%", "/console/%4", "/console/%zz", "*", "", "console/a",
    ]

    @Test(arguments: Self.refused)
    func whatCouldMeanAnythingElseIsRefused(target: String) {
        #expect(StaticPath(target: target, prefixCount: 1) == nil, "\(target)")
    }

    @Test func theRootMayBeServedToo() {
        #expect(StaticPath(target: "/", prefixCount: 0)?.names == [])
        #expect(StaticPath(target: "/a/b", prefixCount: 0)?.names == ["a", "b"])
        #expect(StaticPath(target: "/..", prefixCount: 0) == nil)
    }

    @Test func pathAndQueryStayAsTheyCame() {
        let path = StaticPath(target: "/console/a%20b?q=%2F?", prefixCount: 1)
        #expect(path?.path == "/console/a%20b" && path?.query == "?q=%2F?")
    }
}
