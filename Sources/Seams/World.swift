/// All through which the engine reaches the world, handed in at one place.
package struct World: Sendable {
    package var time: any TimeSource
    package var chance: any ChanceSource
    package var http: any HTTPTransport
    package var mail: any MailTransport
    /// Where it is told what was done and how long it took.
    package var spans: any SpanSink

    package init(
        time: any TimeSource, chance: any ChanceSource, http: any HTTPTransport, mail: any MailTransport = NoMail(),
        spans: any SpanSink = NoSpans()
    ) {
        self.time = time
        self.chance = chance
        self.http = http
        self.mail = mail
        self.spans = spans
    }

    package var mint: IDMint { IDMint(time: time, chance: chance) }
}
