import Foundation
import Model
import Synchronization

/// Where a command writes: tables and colour for a person at a terminal, plain lines and JSON for machines.
struct Terminal: Sendable {
    let isInteractive: Bool
    let isColour: Bool
    let isErrorInteractive: Bool

    init(environment: [String: String] = ProcessInfo.processInfo.environment) {
        isInteractive = isatty(STDOUT_FILENO) == 1
        isErrorInteractive = isatty(STDERR_FILENO) == 1
        isColour = isInteractive && environment["NO_COLOR", default: ""].isEmpty && environment["TERM"] != "dumb"
    }

    /// Columns of the terminal; 100 where there is none.
    var width: Int {
        var size = winsize()
        guard isInteractive, ioctl(STDOUT_FILENO, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 20 else { return 100 }
        return Int(size.ws_col)
    }

    func line(_ text: String = "") { Self.write(Self.plain(text, keepsStyles: isColour) + "\n", to: STDOUT_FILENO) }
    func note(_ text: String) { Self.write(Self.plain(text, keepsStyles: isColour) + "\n", to: STDERR_FILENO) }

    /// Rewrites one line of progress; nothing where nobody watches.
    func progress(_ text: String) {
        guard isErrorInteractive else { return }
        Self.write("\r\u{1B}[2K\(text)", to: STDERR_FILENO)
    }

    func endProgress() {
        guard isErrorInteractive else { return }
        Self.write("\r\u{1B}[2K", to: STDERR_FILENO)
    }

    /// Asks before something dangerous; without a terminal the answer is no, and the message says how to say yes.
    func confirms(_ question: String, isYes: Bool) throws -> Bool {
        if isYes { return true }
        guard isInteractive, isatty(STDIN_FILENO) == 1 else {
            throw Failure(.usage, "\(question) Nobody can answer here: add --yes to go on.")
        }
        Self.write("\(question) [y/N] ", to: STDOUT_FILENO)
        return ["y", "yes"].contains((readLine() ?? "").trimmingCharacters(in: .whitespaces).lowercased())
    }

    func styled(_ text: String, _ style: Style) -> String {
        isColour ? "\u{1B}[\(style.rawValue)m\(text)\u{1B}[0m" : text
    }

    enum Style: String { case bold = "1", dim = "2", red = "31", green = "32", yellow = "33", blue = "34", cyan = "36" }

    /// Rows under headings, as wide as their contents; the last column takes what is left.
    func table(_ headings: [String], _ rows: [[String]]) {
        let all = [headings] + rows
        let widths = headings.indices.map { column in all.map { $0[column].count }.max() ?? 0 }
        for (index, row) in all.enumerated() {
            var text = ""
            for (column, cell) in row.enumerated() {
                let isLast = column == row.count - 1
                text += isLast ? cell : cell.padding(toLength: widths[column] + 2, withPad: " ", startingAt: 0)
            }
            line(index == 0 ? styled(text, .dim) : Terminal.cut(text, to: isInteractive ? width : .max))
        }
    }

    /// The text without what a terminal would obey, apart from our own styles: a sender's words must not move its
    /// cursor, set its title, hide what follows or turn the direction of writing.
    static func plain(_ text: String, keepsStyles: Bool = true) -> String {
        guard text.unicodeScalars.contains(where: isObeyed) else { return text }
        var plain = String.UnicodeScalarView()
        var rest = text.unicodeScalars[...]
        while let scalar = rest.first {
            let style = keepsStyles && scalar == "\u{1B}" ? rest.prefix(styleLength(at: rest)) : rest.prefix(0)
            if style.isEmpty {
                plain.append(isObeyed(scalar) ? "\u{FFFD}" : scalar)
                rest = rest.dropFirst()
            } else {
                plain.append(contentsOf: style)
                rest = rest.dropFirst(style.count)
            }
        }
        return String(plain)
    }

    /// Of `ESC [ digits m` as we write it; 0 where something else stands there.
    private static func styleLength(at text: Substring.UnicodeScalarView) -> Int {
        guard text.dropFirst().first == "[" else { return 0 }
        let digits = text.dropFirst(2).prefix(3).prefix { ("0"..."9").contains($0) }.count
        let name = String(text.dropFirst(2).prefix(digits))
        guard text.dropFirst(2 + digits).first == "m", name == "0" || Style(rawValue: name) != nil else { return 0 }
        return digits + 3
    }

    private static func isObeyed(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.properties.generalCategory {
        case .control: scalar != "\n" && scalar != "\t"
        case .format: scalar != "\u{200D}"
        case .lineSeparator, .paragraphSeparator: true
        default: false
        }
    }

    /// The text with its line ends shown as such: what somebody sent must not look like a line of ours.
    static func oneLine(_ text: String) -> String {
        text.contains(where: \.isNewline)
            ? text.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline).joined(separator: " ⏎ ") : text
    }

    static func cut(_ text: String, to width: Int) -> String {
        text.count <= width ? text : text.prefix(max(0, width - 1)) + "…"
    }

    /// Why something that was to be printed is not there; nil: all is.
    static var outputTrouble: String? { trouble.withLock { $0 } }
    private static let trouble = Mutex<String?>(nil)

    private static func write(_ text: String, to descriptor: CInt) {
        var rest = Array(text.utf8)[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { Foundation.write(descriptor, $0.baseAddress, $0.count) }
            if count >= 0 {
                rest = rest.dropFirst(count)
                continue
            }
            switch errno {
            case EINTR: continue
            case EAGAIN:
                var room = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
                _ = poll(&room, 1, -1)
            // A reader that has gone (`| head`) is no error of ours, and there is nobody to tell.
            case EPIPE: return
            default:
                let reason = String(cString: strerror(errno))
                if descriptor == STDOUT_FILENO { trouble.withLock { $0 = reason } }
                return
            }
        }
    }
}
