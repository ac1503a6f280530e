package import Logging
internal import Model
package import Seams

#if canImport(Glibc)
    internal import Glibc
#elseif canImport(Musl)
    internal import Musl
#elseif canImport(Darwin)
    internal import Darwin
#endif

/// Writes one line a log message to standard error, after secrets and addresses were masked.
package struct RedactingLogHandler: LogHandler {
    /// How lines look: for people, or one JSON object each.
    package enum Format: String, Sendable, CaseIterable { case text, json }

    package var logLevel: Logger.Level
    package var metadata: Logger.Metadata = [:]
    package var metadataProvider: Logger.MetadataProvider?

    private let label: String
    private let format: Format
    private let time: any TimeSource
    private let write: @Sendable (String) -> Void

    /// `write` is for tests; nil: standard error, one write a line.
    package init(
        label: String, level: Logger.Level = .info, format: Format, time: any TimeSource,
        write: (@Sendable (String) -> Void)? = nil
    ) {
        self.label = label
        logLevel = level
        self.format = format
        self.time = time
        self.write = write ?? Self.writeToStandardError
    }

    package subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    package func log(event: LogEvent) {
        var all = metadata
        if let provided = metadataProvider?.get() { all.merge(provided) { $1 } }
        if let own = event.metadata { all.merge(own) { $1 } }
        if let error = event.error { all["error"] = "\(error)" }
        let fields = all.sorted { $0.key < $1.key }.map { key, value in
            (key, Mask.isSecret(key: key) ? Mask.dots : Mask.masked(value.description))
        }
        let message = Mask.masked(event.message.description)
        switch format {
        case .text: write(text(event.level, message, fields))
        case .json: write(json(event.level, message, fields))
        }
    }

    private func text(_ level: Logger.Level, _ message: String, _ fields: [(String, String)]) -> String {
        let pairs = fields.map { " \($0.0)=\(Self.isPlain($0.1) ? $0.1 : JSONValue.string($0.1).encodedText)" }
        return "\(time.now) \(level.rawValue) \(Self.flat(message))\(pairs.joined())\n"
    }

    private func json(_ level: Logger.Level, _ message: String, _ fields: [(String, String)]) -> String {
        var object: JSONObject = [
            "at": .string(time.now.description), "level": .string(level.rawValue), "message": .string(message),
            "logger": .string(label),
        ]
        for (key, value) in fields { object[key] = .string(value) }
        return object.encodedText + "\n"
    }

    private static func isPlain(_ value: String) -> Bool {
        !value.isEmpty && value.utf8.allSatisfy { $0 > 0x20 && $0 != UInt8(ascii: "\"") && $0 != 0x7F }
    }

    private static func flat(_ message: String) -> String {
        message.contains(where: \.isNewline) ? String(message.map { $0.isNewline ? " " : $0 }) : message
    }

    private static func writeToStandardError(_ line: String) {
        var line = line
        line.withUTF8 { bytes in
            // A log that cannot be written has nobody to be told to.
            _ = unsafeWrite(STDERR_FILENO, bytes.baseAddress, bytes.count)
        }
    }
}

private func unsafeWrite(_ descriptor: Int32, _ bytes: UnsafePointer<UInt8>?, _ count: Int) -> Int {
    write(descriptor, bytes, count)
}
