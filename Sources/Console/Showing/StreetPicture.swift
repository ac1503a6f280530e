/// The street as a picture: where events come in, and where their effects go.
///
/// Drawn here as SVG, once lying and once standing for narrow screens; the stylesheet shows one of them.
struct StreetPicture {
    struct Station {
        var title: String
        var figure: String
        var caption: String
        /// `good`, `warn`, `bad`, `quiet`.
        var tone: String
        /// The tone in words, for those who do not see it.
        var state: String
        var link: String
        /// Whether anything moves towards it.
        var isFlowing: Bool
    }

    static let destinationsMax = 8

    var stations: [Station]
    var destinations: [Station]

    var svg: String { drawing(isLying: true) + drawing(isLying: false) }

    private struct Box {
        var x: Int
        var y: Int
        var width: Int
        var height: Int
    }

    private func drawing(isLying: Bool) -> String {
        let ends = Array(destinations.prefix(Self.destinationsMax))
        let boxes = isLying ? lyingBoxes(ends.count) : standingBoxes(ends.count)
        let size =
            isLying ? (1040, max(116, ends.count * 70 - 6) + 4) : (340, boxes.last.map { $0.y + $0.height + 2 } ?? 0)
        var drawn = ""
        for (index, pair) in zip(stations + ends, boxes).enumerated() where index > 0 {
            let from = index <= stations.count ? boxes[index - 1] : boxes[stations.count - 1]
            let flow = pair.0.isFlowing ? " flowing" : ""
            let path = isLying ? Self.lyingPipe(from, pair.1) : Self.standingPipe(from, pair.1, index >= stations.count)
            drawn += "<path class=\"pipe\(flow)\" d=\"\(path)\"/>"
        }
        for (index, pair) in zip(stations + ends, boxes).enumerated() {
            drawn += Self.draw(pair.0, in: pair.1, isSmall: index >= stations.count)
        }
        return """
            <svg class="street \(isLying ? "lying" : "standing")" viewBox="0 0 \(size.0) \(size.1)" role="group" \
            aria-label="The street from intake to destinations">\(drawn)</svg>
            """
    }

    private func lyingBoxes(_ ends: Int) -> [Box] {
        let height = max(116, ends * 70 - 6)
        let row = stations.indices.map { Box(x: 2 + $0 * 212, y: height / 2 - 50, width: 164, height: 100) }
        let top = (height - (ends * 70 - 6)) / 2 + 2
        return row + (0..<ends).map { Box(x: 848, y: top + $0 * 70, width: 190, height: 64) }
    }

    private func standingBoxes(_ ends: Int) -> [Box] {
        let column = stations.indices.map { Box(x: 2, y: 2 + $0 * 104, width: 336, height: 80) }
        let top = 2 + stations.count * 104
        return column + (0..<ends).map { Box(x: 36, y: top + $0 * 74, width: 302, height: 64) }
    }

    private static func lyingPipe(_ from: Box, _ to: Box) -> String {
        let (x1, y1) = (from.x + from.width, from.y + from.height / 2)
        let (x2, y2) = (to.x, to.y + to.height / 2)
        let middle = (x1 + x2) / 2
        return "M\(x1) \(y1)C\(middle) \(y1) \(middle) \(y2) \(x2) \(y2)"
    }

    private static func standingPipe(_ from: Box, _ to: Box, _ isBranch: Bool) -> String {
        guard isBranch else { return "M170 \(from.y + from.height)V\(to.y)" }
        return "M16 \(from.y + from.height)V\(to.y + to.height / 2 - 10)Q16 \(to.y + to.height / 2) 26 "
            + "\(to.y + to.height / 2)H\(to.x)"
    }

    private static func draw(_ station: Station, in box: Box, isSmall: Bool) -> String {
        let (title, figure, caption) = (
            escaped(station.title, 20), escaped(station.figure, 14),
            escaped(station.caption, isSmall ? 24 - 2 * station.figure.count : 24)
        )
        let lines = isSmall ? (24, 48, 48) : box.height > 90 ? (26, 58, 82) : (24, 54, 54)
        let isBeside = isSmall || box.height <= 90
        let captionPlace =
            isBeside
            ? "x=\"\(box.x + box.width - 14)\" y=\"\(box.y + lines.2)\" text-anchor=\"end\""
            : "x=\"\(box.x + 16)\" y=\"\(box.y + lines.2)\""
        return """
            <a href="\(HTMLText.escaped(station.link))" aria-label="\(title): \(figure), \(caption), \(station.state)">\
            <g class="station \(station.tone)\(isSmall ? " end" : "")">\
            <rect x="\(box.x)" y="\(box.y)" width="\(box.width)" height="\(box.height)" rx="10"/>\
            <circle cx="\(box.x + box.width - 18)" cy="\(box.y + 19)" r="5"/>\
            <text class="title" x="\(box.x + 16)" y="\(box.y + lines.0)">\(title)</text>\
            <text class="figure" x="\(box.x + 16)" y="\(box.y + lines.1)">\(figure)</text>\
            <text class="caption" \(captionPlace)>\(caption)</text></g></a>
            """
    }

    private static func escaped(_ text: String, _ length: Int) -> String {
        HTMLText.escaped(text.count > length ? text.prefix(length - 1) + "…" : text)
    }
}
