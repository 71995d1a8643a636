import Testing

@testable import TimingleCore

struct RedisConfigurationTests {
    @Test func aFullURLIsReadAndDecoded() throws {
        let configuration = try RedisConfiguration(url: "redis://:p%40ss%2Fw%3Ard@cache.internal:6380/3")
        #expect(configuration.host == "cache.internal")
        #expect(configuration.port == 6380)
        #expect(configuration.username == nil)
        #expect(configuration.password == "p@ss/w:rd")
        #expect(configuration.database == 3)
        #expect(configuration.place == "cache.internal:6380/3")
    }

    @Test func whatIsLeftOutHasDefaults() throws {
        let configuration = try RedisConfiguration(url: "redis://localhost")
        #expect(configuration.port == 6379)
        #expect(configuration.database == 0)
        #expect(configuration.password == nil)
        let six = try RedisConfiguration(url: "redis://user:secret@[::1]:7000/")
        #expect(six.host == "::1")
        #expect(six.port == 7000)
        #expect(six.username == "user")
    }

    @Test(arguments: [
        "http://localhost", "redis://", "redis://:6379", "redis://h:0", "redis://h:65536", "redis://h:+1",
        "redis://h:1e3",
        "redis://h/x", "redis://h/-1", "redis://h?db=1", "redis://h#f", "redis://secret@h", "redis://:%zz@h",
        "redis://:%4@h", "redis://:%ff@h", "redis://h h", "",
    ])
    func badURLsAreRefusedWithoutRepeatingThem(url: String) {
        let error = #expect(throws: RedisError.self) { try RedisConfiguration(url: url) }
        #expect(error?.code == .configuration)
        #expect(error?.message.contains("secret") == false)
    }

    @Test func tlsIsRefusedInWords() {
        let error = #expect(throws: RedisError.self) { try RedisConfiguration(url: "rediss://h") }
        #expect(error?.message.contains("TLS") == true)
    }
}
