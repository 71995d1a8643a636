import Testing

@testable import TimingleNet

struct ShardDirectoryTests {
    @Test func aLoopIsFoundAmongItsOwnAndNotInAnotherGroup() async throws {
        try await withEventLoopGroup(count: 2) { group in
            try await withEventLoopGroup(count: 3) { other in
                let configuration = HTTPServerConfiguration(responder: { _, _ in HTTPResponse(.ok) })
                let directory = ShardDirectory()
                #expect(directory.reference(on: group.loops[0]) == nil)
                var references: [ShardReference] = []
                for loop in group.loops {
                    let load = ShardLoad()
                    let shard = HTTPServerShard(loop: loop, configuration: configuration, load: load) {}
                    references.append(ShardReference(shard: LoopBound(shard, on: loop), load: load))
                }
                directory.fill(references)
                for loop in group.loops { #expect(directory.reference(on: loop)?.shard.loop === loop) }
                for loop in other.loops { #expect(directory.reference(on: loop) == nil) }
                directory.clear()
                #expect(directory.reference(on: group.loops[1]) == nil)
            }
        }
    }
}
