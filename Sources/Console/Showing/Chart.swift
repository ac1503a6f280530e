/// Bars in a row, drawn as SVG.
enum Chart {
    struct Bar {
        var value: Double
        /// What its title says.
        var words: String
        var tone = ""
    }

    /// `label` says what the picture shows, for those who do not see it.
    static func bars(_ bars: [Bar], label: String, height: Int = 64) -> String {
        let width = max(bars.count, 1) * 12
        let highest = max(bars.map(\.value).max() ?? 0, 0.0001)
        var drawn = "<path class=\"base\" d=\"M0 \(height)H\(width)\"/>"
        for (index, bar) in bars.enumerated() where bar.value > 0 {
            let tall = max(2, Int((bar.value / highest * Double(height - 2)).rounded()))
            drawn += """
                <rect class="\(bar.tone)" x="\(index * 12 + 1)" y="\(height - tall)" width="10" height="\(tall)" rx="2">\
                <title>\(HTMLText.escaped(bar.words))</title></rect>
                """
        }
        return """
            <svg class="chart" viewBox="0 0 \(width) \(height + 1)" preserveAspectRatio="none" role="img" \
            aria-label="\(HTMLText.escaped(label))">\(drawn)</svg>
            """
    }
}
