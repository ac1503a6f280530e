import Foundation
import Model
import Sandbox
import Seams
import Synchronization
import TestKit
import Testing

@testable import throughline

@Suite struct `An address that is called` {
    @Test(arguments: [
        "169.254.169.254", "169.254.0.1", "2852039166", "0xa9fea9fe", "169.254.43518", "fe80::1", "febf::1",
        "::ffff:169.254.169.254", "64:ff9b::a9fe:a9fe", "2002:a9fe:a9fe::1", "fd00:ec2::254", "100.100.100.200",
        "168.63.129.16",
    ])
    func `is never link-local, nor where clouds keep credentials`(text: String) throws {
        #expect(AddressRule.isForbidden(try #require(IPAddress(text))))
    }

    @Test(arguments: [
        "127.0.0.1", "::1", "10.0.0.1", "192.168.1.1", "fd00::1", "fec0::1", "93.184.216.34", "168.63.129.17",
    ])
    func `may be loopback, private or public where the configuration names it`(text: String) throws {
        #expect(!AddressRule.isForbidden(try #require(IPAddress(text))))
    }

    @Test(arguments: [
        ("93.184.216.34", true), ("2606:4700::1111", true), ("127.0.0.1", false), ("10.1.2.3", false),
        ("172.16.0.1", false), ("172.32.0.1", true), ("192.168.0.1", false), ("100.64.0.1", false), ("::1", false),
        ("fd00::1", false), ("::ffff:10.0.0.1", false), ("0.0.0.0", false), ("224.0.0.1", false),
        ("169.254.1.1", false),
    ])
    func `is public where a stranger names it`(text: String, isPublic: Bool) throws {
        #expect(AddressRule.isPublic(try #require(IPAddress(text))) == isPublic)
    }

    @Test(arguments: [
        ("http://example.com/a:b@c", "example.com"), ("https://user:pw@Example.COM:8443/x", "example.com"),
        ("http://[fe80::1%25eth0]:80/", "fe80::1"), ("http://169.254.169.254./latest", "169.254.169.254"),
        ("http://good.example\\@169.254.169.254/", "good.example"), ("http://a@b@169.254.1.1?x#y", "169.254.1.1"),
    ])
    func `is read out of a URL`(url: String, host: String) { #expect(AddressRule.host(of: url) == host) }

    private func send(
        _ url: String, trust: OutboundRequest.AddressTrust = .configured, timeout: Duration = .seconds(5),
        resolve: @escaping @Sendable (String) -> [IPAddress]? = { _ in nil },
        forbids: @escaping @Sendable (IPAddress) -> Bool = AddressRule.isForbidden
    ) async throws -> Result<InboundResponse, TransportError> {
        let http = OutboundHTTP(resolve: resolve, forbids: forbids)
        let result: Result<InboundResponse, TransportError>
        do {
            result = .success(
                try await http.send(OutboundRequest(method: "GET", url: url, timeout: timeout, trust: trust)))
        } catch {
            result = .failure(error)
        }
        try await http.shutdown()
        return result
    }

    private func kind(_ result: Result<InboundResponse, TransportError>) -> TransportError.Kind? {
        if case .failure(let error) = result { error.kind } else { nil }
    }

    @Test func `is refused when its name resolves to one that is never called, even beside a good one`() async throws {
        for addresses in [["169.254.169.254"], ["93.184.216.34", "fe80::1"]] {
            let result = try await send("http://metadata.example/") { _ in addresses.compactMap { IPAddress($0) } }
            #expect(kind(result) == .refusedAddress)
            if case .failure(let error) = result { #expect(!error.mayHaveArrived) }
        }
        #expect(kind(try await send("http://metadata.example/") { _ in nil }) == .name)
        #expect(kind(try await send("http://2852039166/")) == .refusedAddress)
    }

    @Test func `is looked at once more when the connection stands, for a name may change its mind`() async throws {
        try await standIn { port in
            let isLoopback: @Sendable (IPAddress) -> Bool = { $0.bytes == [127, 0, 0, 1] }
            let result = try await send(
                "http://127.0.0.1:\(port)/slack", resolve: { _ in [IPAddress([93, 184, 216, 34])] },
                forbids: isLoopback)
            #expect(kind(result) == .refusedAddress)
            let allowed = try await send("http://127.0.0.1:\(port)/_sandbox")
            #expect(kind(allowed) == nil, "the same address is called where the rule has nothing against it")
        }
    }

    @Test func `must be public where no configuration names it`() async throws {
        let result = try await send("http://10.0.0.1/", trust: .untrusted)
        #expect(kind(result) == .refusedAddress)
        let named = try await send("http://inside.example/", trust: .untrusted) { _ in [IPAddress([10, 0, 0, 1])] }
        #expect(kind(named) == .refusedAddress)
    }

    @Test func `is asked for once in a while, and not waited for without end`() async throws {
        let asked = Mutex(0)
        let slow = DispatchSemaphore(value: 0)
        let time = ManualTime()
        let guarding = AddressGuard(time: time) { name in
            asked.withLock { $0 += 1 }
            if name == "slow.example" { slow.wait() }
            return [IPAddress([93, 184, 216, 34])]
        }
        for _ in 0..<5 { try await guarding.check(OutboundRequest(method: "GET", url: "http://a.example/")) }
        #expect(asked.withLock { $0 } == 1)
        time.advance(by: AddressGuard.verdictMax)
        try await guarding.check(OutboundRequest(method: "GET", url: "http://a.example/"))
        #expect(asked.withLock { $0 } == 2)
        await #expect(throws: TransportError.self) {
            try await guarding.check(
                OutboundRequest(method: "GET", url: "http://slow.example/", timeout: .milliseconds(100)))
        }
        slow.signal()
        try await guarding.shutdown()
    }

    private func standIn(_ body: (Int) async throws -> Void) async throws {
        let (ports, listening) = AsyncStream.makeStream(of: Int.self)
        let sandbox = SandboxServer(StandInSet.usual(), port: 0, time: SystemTime()) { listening.yield($0) }
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await sandbox.run() }
            for await port in ports {
                try await body(port)
                break
            }
            group.cancelAll()
        }
    }
}

extension `The whole product`.Scenes {
    @Test func `a destination that turns out to be link-local is not called, and says why`() async throws {
        try await Stage.set { stage in
            let path = stage.server.folder.file("throughline.yaml")
            let configuration = try String(contentsOfFile: path, encoding: .utf8)
            // A name of digits that the system's resolver takes for 169.254.169.254.
            let line = try #require(configuration.split(separator: "\n").first { $0.contains("/hubspot") })
            try stage.server.write(
                configuration.replacing(line, with: "    base_url: \"https://2852039166/hubspot\""),
                to: "throughline.yaml")
            try await stage.server.start()
            #expect(await stage.deliver(Stage.lead(1)) == 200)
            try await eventually("the refusal is on record", within: 10) {
                try await stage.all("/v1/jobs").contains { $0["error"]?.string?.contains("never called") == true }
            }
            #expect(stage.contacts.isEmpty)
        }
    }
}

extension `The whole product` {
    @Test func `a server that cannot listen says what to set, and leaves its journal as it was`() async throws {
        try await Stage.set { stage in
            let server = stage.server
            try await server.start()
            let emitted = try await server.run("emit", "lead_captured", "email=ada@example.com", "session=s1")
            #expect(emitted.status == 0, "\(emitted)")
            #expect(try await server.stop() == 0)
            let configuration = try String(contentsOfFile: server.folder.file("throughline.yaml"), encoding: .utf8)
            // An address for documentation (RFC 5737): no machine has it.
            for (host, words) in [("192.0.2.1", "http.host"), ("nosuch.invalid", "no address is known by that name")] {
                try server.write(
                    configuration.replacing("host: 127.0.0.1", with: "host: \(host)"),
                    to: "throughline.yaml")
                let refusal = try await server.refusal()
                #expect(refusal.status == 3 && refusal.words.contains(words), "\(refusal.words)")
            }
            try server.write(configuration, to: "throughline.yaml")
            try await server.start()
            #expect(try await server.run("trace", "ada@example.com").output.contains("lead_captured"))
        }
    }
}
