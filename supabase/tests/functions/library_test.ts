/** What the library of the Edge Functions promises, with real WebCrypto and real HTTP over loopback. */
import assert from "node:assert/strict";
import {
  askGate,
  bodyOf,
  corsHeaders,
  forward,
  isFromStripe,
  isStandardWebhook,
  newTrace,
  Refused,
  send,
  settings,
  standardSignature,
  Unavailable,
} from "../../functions/_shared/throughline.ts";
import { bytes, secret, serving, set, stripeHeader } from "./support.ts";

const body = bytes('{"id":"evt_1"}');
const now = Date.UTC(2026, 10, 25);

Deno.test("Stripe's signature holds for its body, its secret and five minutes", async () => {
  const header = await stripeHeader(body, "whsec_one", now);
  assert.ok(await isFromStripe(body, header, ["whsec_one"], now));
  assert.ok(await isFromStripe(body, header, ["whsec_new", "whsec_one"], now + 299_000), "while secrets change");
  assert.ok(!await isFromStripe(bytes('{"id":"evt_2"}'), header, ["whsec_one"], now));
  assert.ok(!await isFromStripe(body, header, ["whsec_two"], now));
  assert.ok(!await isFromStripe(body, header, ["whsec_one"], now + 301_000));
  assert.ok(!await isFromStripe(body, header, ["whsec_one"], now - 301_000));
  assert.ok(!await isFromStripe(body, header, [], now));
  assert.ok(!await isFromStripe(body, null, ["whsec_one"], now));
  for (
    const forged of [
      header.replace("t=", "t=1,t="),
      header.replace("v1=", "v0="),
      "t=,v1=",
      "t=1",
      ",,,",
      header.slice(0, -1),
    ]
  ) {
    assert.ok(!await isFromStripe(body, forged, ["whsec_one"], now), forged);
  }
});

Deno.test("a known Stripe vector verifies", async () => {
  // HMAC-SHA256 of `1700000000.{"id":"evt_vector"}` with the key whsec_test_secret, made with OpenSSL.
  const header = "t=1700000000,v1=359bc5a5a5763a4402ed7bd245d9f95ee08c82f3a4511229291b236efa1cc005";
  assert.ok(await isFromStripe(bytes('{"id":"evt_vector"}'), header, ["whsec_test_secret"], 1_700_000_000_000));
});

Deno.test("the vector of Standard Webhooks verifies, and nothing near it", async () => {
  const headers = {
    "webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
    "webhook-timestamp": "1614265330",
    "webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
  };
  const payload = bytes('{"test": 2432232314}');
  const key = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
  const at = 1_614_265_330_000;
  const holds = (changed: Record<string, string>, secrets = [key]) =>
    isStandardWebhook(payload, new Headers({ ...headers, ...changed }), secrets, at);
  assert.ok(await holds({}));
  assert.ok(await holds({}, ["v1," + key]), "as Supabase's auth hooks write it");
  const both = `v1,AAAA, ${headers["webhook-signature"]}`;
  assert.ok(await holds({ "webhook-signature": both }), "joined as Supabase's auth server joins them");
  assert.ok(!await holds({ "webhook-id": "msg_other" }));
  assert.ok(!await holds({ "webhook-timestamp": "1614265331" }));
  assert.ok(!await holds({ "webhook-signature": headers["webhook-signature"].replace("v1,", "v1a,") }));
  assert.ok(!await holds({}, ["whsec_", "not base64 !", "whsec_c2VjcmV0"]));
  assert.deepEqual(await standardSignature(headers["webhook-id"], payload, key, at), headers);
});

Deno.test("an event goes to the server, signed", async () => {
  await using server = await serving(async (request) => {
    const received = new Uint8Array(await request.arrayBuffer());
    assert.equal(new URL(request.url).pathname, "/in/chat");
    assert.ok(await isStandardWebhook(received, request.headers, [secret]));
    assert.match(request.headers.get("traceparent") ?? "", /^00-[0-9a-f]{32}-[0-9a-f]{16}-01$/);
    return Response.json({ status: "accepted", event: "tev_1", token: "t" });
  });
  const sent = await send({ id: "e1", type: "chat_started", session: "s" }, set({ url: server.url }));
  assert.deepEqual(sent, { via: "server", status: "accepted", event: "tev_1", token: "t" });
});

Deno.test("what the server cannot take waits in the inbox with its signature", async () => {
  for (const status of [401, 404, 429, 500, 503]) {
    let call: Record<string, unknown> = {};
    await using server = await serving(() => new Response(null, { status }));
    await using supabase = await serving(async (request) => {
      assert.equal(new URL(request.url).pathname, "/rest/v1/rpc/throughline_accept");
      assert.equal(request.headers.get("apikey"), "service");
      call = await request.json();
      return Response.json("e1");
    });
    const sent = await send(
      { id: "e1", type: "chat_started", session: "s" },
      set({ url: server.url, supabaseURL: supabase.url, supabaseKey: "service" }),
    );
    assert.deepEqual(sent, { via: "inbox", status: "waiting" });
    assert.equal(call.source, "chat");
    assert.ok(
      await isStandardWebhook(bytes(call.payload as string), new Headers(call.headers as Record<string, string>), [
        secret,
      ]),
    );
  }
});

Deno.test("a server that is not there is no loss, and one that refuses is believed", async () => {
  await using supabase = await serving(() => Response.json("e1"));
  const to = set({ url: "http://127.0.0.1:1", supabaseURL: supabase.url, supabaseKey: "sb_secret_x" });
  assert.equal((await send({ id: "e1", type: "chat_started" }, to)).via, "inbox");
  await using server = await serving(() =>
    Response.json({ error: { code: "invalid_field", message: "data.email is required", field: "data.email" } }, {
      status: 400,
    })
  );
  await assert.rejects(send({ id: "e1", type: "lead_captured" }, { ...to, url: server.url }), (error: Refused) => {
    assert.ok(error instanceof Refused);
    assert.equal(error.field, "data.email");
    return true;
  });
});

Deno.test("where neither takes it, nothing is acknowledged", async () => {
  await using supabase = await serving(() =>
    Response.json({ code: "42501", message: "permission denied" }, { status: 403 })
  );
  const delivery = { source: "stripe", headers: { "stripe-signature": "t=1,v1=0" }, payload: body };
  for (
    const to of [
      set({}),
      set({ supabaseURL: supabase.url, supabaseKey: "x" }),
      set({ supabaseURL: "http://127.0.0.1:1", supabaseKey: "x" }),
    ]
  ) {
    await assert.rejects(forward(delivery, to), Unavailable);
  }
});

Deno.test("newer secret keys stand in apikey alone, older ones are a token too", async () => {
  const seen: (string | null)[] = [];
  await using supabase = await serving((request) => {
    seen.push(request.headers.get("authorization"));
    return Response.json("e1");
  });
  for (const supabaseKey of ["sb_secret_abc", "eyJhbGciOi.x.y"]) {
    await send({ id: "e1", type: "chat_started" }, set({ secret: undefined, supabaseURL: supabase.url, supabaseKey }));
  }
  assert.deepEqual(seen, [null, "Bearer eyJhbGciOi.x.y"]);
});

Deno.test("without a decision of the gate a person looks", async () => {
  const proposal = { id: "p", session: "s", messages: [], proposal: { intent: "lead" } };
  await using gate = await serving(async (request) => {
    assert.equal(request.headers.get("authorization"), "Bearer tl_key");
    const said = await request.json();
    if (said.id === "p") return Response.json({ decision: "execute", reasons: [] });
    return said.id === "odd" ? Response.json({ decision: "refund" }) : new Response(null, { status: 500 });
  });
  const to = set({ url: gate.url, key: "tl_key" });
  assert.equal((await askGate(proposal, to)).decision, "execute");
  for (const id of ["odd", "broken"]) assert.equal((await askGate({ ...proposal, id }, to)).decision, "escalate");
  assert.equal((await askGate(proposal, { ...to, url: "http://127.0.0.1:1" })).decision, "escalate");
  assert.equal((await askGate(proposal, set({}))).decision, "escalate");
});

Deno.test("only pages that are named may call", () => {
  const to = set({ allowedOrigins: ["https://acme.example"] });
  const from = (origin?: string) => corsHeaders(new Request("http://x", { headers: origin ? { origin } : {} }), to);
  assert.equal(from("https://acme.example")?.["access-control-allow-origin"], "https://acme.example");
  for (const origin of ["https://acme.example.evil.com", "http://acme.example", "null", "https://ACME.example"]) {
    assert.equal(from(origin), undefined, origin);
  }
  assert.deepEqual(from(), {});
});

Deno.test("a body larger than allowed is not read to its end", async () => {
  let given = 0;
  const endless = new ReadableStream({
    pull(controller) {
      given += 1024;
      controller.enqueue(new Uint8Array(1024));
    },
  });
  assert.equal(await bodyOf(new Request("http://x", { method: "POST", body: endless }), 10_000), undefined);
  assert.ok(given < 20_000);
  assert.equal((await bodyOf(new Request("http://x", { method: "POST", body: "ok" })))?.length, 2);
});

Deno.test("a trace goes on, and a false one begins anew", () => {
  const given = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00";
  const trace = newTrace(new Request("http://x", { headers: { traceparent: given, "x-request-id": "r-1" } }));
  assert.match(trace.headers.traceparent, /^00-0af7651916cd43dd8448eb211c80319c-[0-9a-f]{16}-00$/);
  assert.equal(trace.requestID, "r-1");
  const odd = newTrace(new Request("http://x", { headers: { traceparent: "00-x", "x-request-id": 'a"b' } }));
  assert.match(odd.headers.traceparent, /^00-[0-9a-f]{32}-/);
  assert.match(odd.requestID, /^req_[0-9a-f]{20}$/);
});

Deno.test("settings are read as the platform gives them", () => {
  const read = settings((name) =>
    ({
      THROUGHLINE_URL: " https://hooks.acme.example/ ",
      STRIPE_WEBHOOK_SECRET: "whsec_new whsec_old",
      SUPABASE_SECRET_KEYS: '{"other": "sb_secret_o", "default": "sb_secret_d"}',
      SUPABASE_SERVICE_ROLE_KEY: "legacy",
      THROUGHLINE_SECRET: "",
    })[name]
  );
  assert.equal(read.url, "https://hooks.acme.example");
  assert.deepEqual(read.stripeSecrets, ["whsec_new", "whsec_old"]);
  assert.equal(read.supabaseKey, "sb_secret_d");
  assert.equal(read.secret, undefined);
  assert.equal(settings((name) => name === "SUPABASE_SERVICE_ROLE_KEY" ? "legacy" : undefined).supabaseKey, "legacy");
});
