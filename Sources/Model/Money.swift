/// An amount in a currency's minor unit (cents; yen, which has none, as yen) and the ISO 4217 code in lower case.
package struct Money: Sendable, Hashable {
    package var amount: Int64
    package var currency: String

    package init(amount: Int64, currency: String) {
        self.amount = amount
        self.currency = currency.lowercased()
    }

    /// How many digits of the amount stand behind the point: ISO 4217's exponent where it is not two.
    package static func fractionDigits(of currency: String) -> Int {
        switch currency.lowercased() {
        case "bif", "clp", "djf", "gnf", "jpy", "kmf", "krw", "mga", "pyg", "rwf", "ugx", "vnd", "vuv", "xaf", "xof",
            "xpf":
            0
        case "bhd", "iqd", "jod", "kwd", "lyd", "omr", "tnd": 3
        default: 2
        }
    }

    /// For people: `49.00 USD`.
    package var text: String {
        let digits = Self.fractionDigits(of: currency)
        let code = currency.uppercased()
        guard digits > 0 else { return "\(amount) \(code)" }
        let figures = String(amount.magnitude)
        let padded = String(repeating: "0", count: max(0, digits + 1 - figures.count)) + figures
        return "\(amount < 0 ? "-" : "")\(padded.dropLast(digits)).\(padded.suffix(digits)) \(code)"
    }
}
