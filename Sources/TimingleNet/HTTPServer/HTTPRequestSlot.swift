/// The memory in which one request at a time is taken in and answered, and what surrounds it.
///
/// Loop-confined. A loop lends it from one request to the next: nothing is made, and no reference counted, for a
/// request that is answered where it was read.
final class HTTPRequestSlot {
    var request = HTTPRequest()
    var context: RequestContext

    init(context: RequestContext) { self.context = context }

    /// Forgets the request and keeps its memory, up to `bytesMax` bytes of it.
    func clear(keepingAtMost bytesMax: Int) {
        self.context.clear()
        self.request.clear(keepingAtMost: bytesMax)
    }
}
