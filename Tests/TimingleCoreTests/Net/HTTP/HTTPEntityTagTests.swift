import Testing

@testable import TimingleNet

struct HTTPEntityTagTests {
    private static func strong(_ opaque: String) -> HTTPEntityTag { HTTPEntityTag(opaque: opaque) }
    private static func weak(_ opaque: String) -> HTTPEntityTag { HTTPEntityTag(opaque: opaque, isWeak: true) }

    /// The table of RFC 9110 section 8.8.3.2.
    private static let comparesAsTheTableSaysTable: [(HTTPEntityTag, HTTPEntityTag, Bool, Bool)] = [
        (weak("1"), weak("1"), false, true), (weak("1"), weak("2"), false, false),
        (weak("1"), strong("1"), false, true), (strong("1"), strong("1"), true, true),
    ]

    @Test(arguments: Self.comparesAsTheTableSaysTable)
    func comparesAsTheTableSays(one: HTTPEntityTag, other: HTTPEntityTag, strongly: Bool, weakly: Bool) {
        #expect(one.matchesStrongly(other) == strongly && other.matchesStrongly(one) == strongly)
        #expect(one.matchesWeakly(other) == weakly && other.matchesWeakly(one) == weakly)
    }

    private static let aTagIsReadTable: [(String, HTTPEntityTag)] = [
        ("\"xyzzy\"", strong("xyzzy")), ("W/\"xyzzy\"", weak("xyzzy")), ("\"\"", strong("")),
        (" \"a,b\\\" ", strong("a,b\\")), ("\"é\"", strong("é")),
    ]

    @Test(arguments: Self.aTagIsReadTable)
    func aTagIsRead(text: String, tag: HTTPEntityTag) {
        #expect(HTTPEntityTag(text) == tag)
        if text.first != " " { #expect(tag.fieldValue == text) }
    }

    @Test(arguments: [
        "", "xyzzy", "\"", "\"xyzzy", "w/\"xyzzy\"", "W/xyzzy", "W \"x\"", "\"a b\"", "\"a\"b", "\"a\", \"b\"", "*",
        "\"a\u{1}\"", "'a'",
    ])
    func whatIsNoTagIsNone(text: String) {
        #expect(HTTPEntityTag(text) == nil)
    }

    private static let aListIsReadAsFarAsItIsOneTable: [(String, HTTPEntityTag.List)] = [
        ("*", HTTPEntityTag.List.any), (" * ", .any),
        ("\"a\"", .tags([strong("a")])), ("\"a\", W/\"b\",\"c,d\"", .tags([strong("a"), weak("b"), strong("c,d")])),
        (",, \"a\" ,\t,\"b\",", .tags([strong("a"), strong("b")])),
        ("", .tags([])), ("a", .tags([])), ("\"a\", b, \"c\"", .tags([strong("a")])),
        ("\"a\" \"b\"", .tags([strong("a")])),
        ("*, \"a\"", .tags([])), ("\"a\", *", .tags([strong("a")])),
    ]

    @Test(arguments: Self.aListIsReadAsFarAsItIsOneTable)
    func aListIsReadAsFarAsItIsOne(text: String, list: HTTPEntityTag.List) {
        #expect(HTTPEntityTag.List(text) == list)
    }
}
