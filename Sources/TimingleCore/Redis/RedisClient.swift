package import TimingleNet

/// The face of Redis for services and repositories: one pipelined connection per loop, made on demand.
///
/// Any thread. A command runs on the caller's loop where it has one. Nothing waits longer than the command's deadline;
/// with the server away a command fails at once, and the connection is made again in the background.
package final class RedisClient: Sendable {
    package let configuration: RedisConfiguration
    private let group: EventLoopGroup
    private let pipelines: [LoopBound<RedisPipeline>]

    package init(configuration: RedisConfiguration, group: EventLoopGroup, log: Log) {
        self.configuration = configuration
        self.group = group
        self.pipelines = group.loops.map { loop in
            LoopBound(RedisPipeline(loop: loop, configuration: configuration, log: log.labelled("redis")), on: loop)
        }
    }

    /// Sends one command and returns its answer; an error answer is thrown with code `server`.
    package func command(_ arguments: [RedisArgument]) async throws(RedisError) -> RedisReply {
        guard !RedisCommand.breaksPipelining(arguments) else {
            throw RedisError(.configuration, "this command cannot share a connection")
        }
        let bytes = RedisCommand.encode(arguments)
        guard bytes.count <= self.configuration.commandBytesMax else {
            throw RedisError(.configuration, "a command of \(bytes.count) bytes is too long")
        }
        let loop = self.group.anyLoop()
        let pipeline = self.pipelines[loop.index]
        let result: Result<RedisReply, RedisError> = await withCheckedContinuation { continuation in
            if loop.inLoop {
                pipeline.value.submit(bytes) { continuation.resume(returning: $0) }
            } else {
                loop.execute { pipeline.value.submit(bytes) { continuation.resume(returning: $0) } }
            }
        }
        return try result.get()
    }

    /// Asks whether Redis answers; also makes the connection.
    package func ping() async throws(RedisError) {
        _ = try await self.command(["PING"])
    }

    /// Fails what is under way and ends all connections.
    package func close() async {
        for pipeline in self.pipelines {
            await withCheckedContinuation { continuation in
                pipeline.loop.execute {
                    pipeline.value.close()
                    continuation.resume()
                }
            }
        }
    }
}
