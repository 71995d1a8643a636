internal import TimingleCore
internal import TimingleNet

/// An error on its way out, with what inner middleware knows about its answer.
struct AnnotatedError: Error {
    let underlying: any Error
    /// The caller's own language, once the caller is known.
    var language: Language?
    /// Fields that the answer gets too.
    var fields = HTTPFields()

    /// Takes over `error`, or what it was annotated with further in.
    init(_ error: any Error) {
        if let annotated = error as? AnnotatedError {
            self = annotated
        } else {
            self.underlying = error
        }
    }
}
