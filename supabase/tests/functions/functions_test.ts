/** What each Edge Function answers, and what it passes on. */
import assert from "node:assert/strict";
import { handle as chatEvents } from "../../functions/chat-events/chat-events.ts";
import { handle as health } from "../../functions/health/health.ts";
import { handle as stripeWebhook } from "../../functions/stripe-webhook/stripe-webhook.ts";
import { bytes, serving, set, stripeHeader } from "./support.ts";

const page = "https://acme.example";

function posted(body: unknown, headers: Record<string, string> = {}): Request {
  return new Request("http://functions/x", {
    method: "POST",
    headers: { "content-type": "application/json", ...headers },
    body: typeof body === "string" ? body : JSON.stringify(body),
  });
}

/** A server of ours that takes everything, and what it took. */
async function taking() {
  const events: Record<string, unknown>[] = [];
  const server = await serving(async (request) => {
    events.push(await request.json());
    return Response.json({ status: "accepted", event: "tev_1" });
  });
  return { ...server, events };
}

Deno.test("stripe-webhook passes on the very bytes that Stripe signed", async () => {
  const body = '{ "id":"evt_1",  "é":"\\u0000" }';
  const header = await stripeHeader(bytes(body), "whsec_s");
  await using server = await serving(async (request) => {
    assert.equal(new URL(request.url).pathname, "/in/stripe");
    assert.equal(request.headers.get("stripe-signature"), header);
    assert.equal(await request.text(), body);
    return Response.json({ status: "accepted", event: "tev_1" });
  });
  const to = set({ url: server.url, stripeSecrets: ["whsec_s"] });
  const answer = await stripeWebhook(posted(body, { "stripe-signature": header }), to);
  assert.equal(answer.status, 200);
  assert.equal((await answer.json()).status, "accepted");
});

Deno.test("stripe-webhook keeps nothing that is not signed", async () => {
  await using server = await taking();
  const to = set({ url: server.url, stripeSecrets: ["whsec_s"] });
  assert.equal((await stripeWebhook(posted("{}"), to)).status, 401);
  assert.equal(
    (await stripeWebhook(posted("{}", { "stripe-signature": await stripeHeader(bytes("{ }"), "whsec_s") }), to)).status,
    401,
  );
  assert.equal((await stripeWebhook(new Request("http://x"), to)).status, 405);
  assert.equal((await stripeWebhook(posted("x".repeat(1_048_577)), to)).status, 413);
  assert.deepEqual(server.events, []);
});

Deno.test("stripe-webhook asks Stripe to come again when nothing could be kept", async () => {
  const header = await stripeHeader(bytes("{}"), "whsec_s");
  const answer = await stripeWebhook(posted("{}", { "stripe-signature": header }), set({ stripeSecrets: ["whsec_s"] }));
  assert.equal(answer.status, 503);
  assert.equal(answer.headers.get("retry-after"), "30");
});

Deno.test("chat-events takes what a visitor may say of themselves, and nothing beside it", async () => {
  await using server = await taking();
  const to = set({ url: server.url, allowedOrigins: [page] });
  const lead = {
    type: "lead_captured",
    session: "sess_1",
    id: "7",
    user: "somebody_else",
    data: { email: "ada@example.com", customer: "cus_somebody", payment: "pi_1", name: "Ada" },
  };
  const answer = await chatEvents(posted(lead, { origin: page }), to);
  assert.equal(answer.status, 200);
  assert.equal(answer.headers.get("access-control-allow-origin"), page);
  assert.equal(server.events.length, 1);
  assert.deepEqual(server.events[0].data, { email: "ada@example.com", name: "Ada" });
  assert.equal(server.events[0].user, undefined);
  assert.match(String(server.events[0].id), /^page:[0-9a-f]{64}$/);
  await chatEvents(posted(lead, { origin: page }), to);
  assert.equal(server.events[1].id, server.events[0].id, "the same again is the same event");
  await chatEvents(posted({ ...lead, session: "sess_2" }, { origin: page }), to);
  assert.notEqual(server.events[2].id, server.events[0].id, "and another session's is not");
});

Deno.test("chat-events refuses what no visitor may say, and says why", async () => {
  await using server = await taking();
  const to = set({ url: server.url, allowedOrigins: [page] });
  const refused: [unknown, number][] = [
    [{ type: "payment_succeeded", session: "s", data: { payment: "pi_1" } }, 400],
    [{ type: "user_identified", session: "s", data: { user: "u" } }, 400],
    [{ type: "toString", session: "s" }, 400],
    [{ type: "chat_started" }, 400],
    [{ type: "chat_started", session: "x".repeat(129) }, 400],
    [{ type: "chat_started", session: "s", data: [] }, 400],
    ["{", 400],
    [[], 400],
    [Array(21).fill({ type: "chat_started", session: "s" }), 400],
    ["x".repeat(300_000), 413],
  ];
  for (const [body, status] of refused) {
    assert.equal((await chatEvents(posted(body), to)).status, status, JSON.stringify(body).slice(0, 80));
  }
  const mixed = [{ type: "chat_started", session: "s" }, { type: "ticket_closed", session: "s" }];
  const answer = await chatEvents(posted(mixed), to);
  assert.equal((await answer.json()).error.field, "[1]");
  assert.deepEqual(server.events, [], "and nothing of a batch is taken before all of it is looked at");
});

Deno.test("chat-events opens to the pages that are named", async () => {
  const to = set({ allowedOrigins: [page] });
  const ask = (origin: string) => chatEvents(new Request("http://x", { method: "OPTIONS", headers: { origin } }), to);
  const asked = await ask(page);
  assert.equal(asked.status, 204);
  assert.equal(asked.headers.get("access-control-allow-methods"), "POST");
  assert.equal((await ask("https://evil.example")).status, 403);
  assert.equal((await chatEvents(posted({}, { origin: "https://evil.example" }), to)).status, 403);
});

Deno.test("chat-events knows a user by their token and by nothing else", async () => {
  await using server = await taking();
  await using supabase = await serving((request) => {
    assert.equal(new URL(request.url).pathname, "/auth/v1/user");
    const token = request.headers.get("authorization");
    return token === "Bearer good" ? Response.json({ id: "u_12" }) : Response.json({ msg: "bad" }, { status: 403 });
  });
  const to = set({ url: server.url, supabaseURL: supabase.url, supabaseKey: "service" });
  const started = { type: "chat_started", session: "s" };
  const as = async (headers: Record<string, string>) => (await chatEvents(posted(started, headers), to)).status;
  assert.equal(await as({ authorization: "Bearer good" }), 200);
  assert.equal(server.events.at(-1)?.user, "u_12");
  assert.equal(await as({ authorization: "Bearer forged" }), 401);
  const anon = `x.${btoa('{"role":"anon"}')}.y`;
  const visitors: Record<string, string>[] = [{ authorization: `Bearer ${anon}` }, {
    authorization: "Bearer sb_publishable_x",
  }, {
    apikey: "k",
    authorization: "Bearer k",
  }];
  for (const headers of visitors) {
    assert.equal(await as(headers), 200);
    assert.equal(server.events.at(-1)?.user, undefined);
  }
  const away = { ...to, supabaseURL: "http://127.0.0.1:1" };
  assert.equal((await chatEvents(posted(started, { authorization: "Bearer good" }), away)).status, 503);
});

Deno.test("health tells which way works and no more", async () => {
  await using server = await serving((request) =>
    new Response(null, { status: new URL(request.url).pathname === "/readyz" ? 200 : 404 })
  );
  await using supabase = await serving(async (request) => {
    assert.deepEqual(await request.json(), { payload: null });
    return Response.json(null);
  });
  const get = (to: ReturnType<typeof set>) => health(new Request("http://x"), to);
  const both = await get(set({ url: server.url, supabaseURL: supabase.url, supabaseKey: "k" }));
  assert.equal(both.status, 200);
  const { request_id, ...said } = await both.json();
  assert.match(request_id, /^req_/);
  assert.deepEqual(said, {
    status: "ok",
    server: "ok",
    inbox: "ok",
    not_set: ["STRIPE_WEBHOOK_SECRET", "THROUGHLINE_ALLOWED_ORIGINS"],
  });
  const away = await get(set({ url: "http://127.0.0.1:1", supabaseURL: supabase.url, supabaseKey: "k" }));
  assert.equal(away.status, 200);
  assert.equal((await away.json()).server, "failing");
  assert.equal((await get(set({}))).status, 503);
});
