extension HTTPFieldBlock {
    /// Lets the Host field say what stands at `range` of the head: the authority of an absolute target.
    ///
    /// A request of HTTP/1.0 may have none yet.
    mutating func setHost(_ range: Range<Int>) {
        let start = UInt32(range.lowerBound)
        let end = UInt32(range.upperBound)
        if let index = self.lines.firstIndex(where: { self.name($0, equals: "Host") }) {
            self.lines[index].valueStart = start
            self.lines[index].valueEnd = end
        } else {
            let name = UInt32(self.bytes.count)
            self.bytes.append(contentsOf: "Host".utf8)
            self.lines.append(Line(nameStart: name, nameEnd: name + 4, valueStart: start, valueEnd: end))
        }
    }
}
