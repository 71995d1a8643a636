/// A Lua script that Redis runs as one step, named by the SHA-1 of its text.
///
/// Immutable.
package struct RedisScript: Sendable {
    let source: RedisArgument
    let sha1: RedisArgument

    package init(_ source: String) {
        self.source = RedisArgument(source)
        self.sha1 = RedisArgument(Digest.hexadecimal(Digest.sha1(Array(source.utf8))))
    }
}

extension RedisClient {
    /// Runs `script` by its name, and sends its text only to a server that does not know it (a fresh or emptied one).
    package func script(
        _ script: RedisScript,
        keys: [RedisArgument],
        arguments: [RedisArgument]
    ) async throws(RedisError) -> RedisReply {
        let tail = [RedisArgument(keys.count)] + keys + arguments
        do throws(RedisError) {
            return try await self.command(["EVALSHA", script.sha1] + tail)
        } catch {
            // NOSCRIPT means that nothing ran, so running it again is safe.
            guard error.isUnknownScript else { throw error }
            return try await self.command(["EVAL", script.source] + tail)
        }
    }
}
