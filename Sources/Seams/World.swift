/// All through which the engine reaches the world, handed in at one place.
package struct World: Sendable {
    package var time: any TimeSource
    package var chance: any ChanceSource
    package var http: any HTTPTransport

    package init(time: any TimeSource, chance: any ChanceSource, http: any HTTPTransport) {
        self.time = time
        self.chance = chance
        self.http = http
    }

    package var mint: IDMint { IDMint(time: time, chance: chance) }
}
