/**
 * Throughline for Edge Functions: verify, acknowledge, enqueue, ask the gate. No dependency; WebCrypto alone.
 *
 * What is sent goes to your Throughline server by signed request. Where none is configured or it cannot be reached, it
 * goes into the inbox of your own database, signed all the same, and the server takes it from there; both ways it is one
 * event. Every call has a time limit, and nothing is answered as taken before it is kept.
 */

/** An event in Throughline's own form; the types and their fields stand in docs/sources.md. */
export interface ThroughlineEvent {
  id: string;
  type: string;
  occurred_at?: string;
  session?: string;
  user?: string;
  data?: Record<string, unknown>;
}

/** What is read from the function's secrets. */
export interface Settings {
  /** `THROUGHLINE_URL`: the address of your server; without it everything goes through the inbox. */
  url?: string;
  /** `THROUGHLINE_SECRET`: the secret (`whsec_…`) of the source that takes your own events. */
  secret?: string;
  /** `THROUGHLINE_SOURCE`: the name of that source; `chat` unless given. */
  source: string;
  /** `THROUGHLINE_KEY`: a key of scope `ingest`, for the gate. */
  key?: string;
  /** `STRIPE_WEBHOOK_SECRET`: one or, while one is being rotated, several with a space between. */
  stripeSecrets: string[];
  /** `THROUGHLINE_STRIPE_SOURCE`: the name of the Stripe source; `stripe` unless given. */
  stripeSource: string;
  /** `THROUGHLINE_ALLOWED_ORIGINS`: the pages that may call, with a space between (`https://acme.example`). */
  allowedOrigins: string[];
  /** Given by the platform: where the Data API is, and the key of the service role. */
  supabaseURL?: string;
  supabaseKey?: string;
}

const timeouts = { server: 4_000, inbox: 4_000, gate: 8_000, user: 3_000 };
export const bodySizeMax = 1 << 20;
const toleranceSeconds = 300;

/** Reads the settings; `read` stands in for the environment in tests. */
export function settings(read: (name: string) => string | undefined = (name) => Deno.env.get(name)): Settings {
  const value = (name: string) => read(name)?.trim() || undefined;
  const list = (name: string) => value(name)?.split(/[\s,]+/) ?? [];
  return {
    url: value("THROUGHLINE_URL")?.replace(/\/+$/, ""),
    secret: value("THROUGHLINE_SECRET"),
    source: value("THROUGHLINE_SOURCE") ?? "chat",
    key: value("THROUGHLINE_KEY"),
    stripeSecrets: list("STRIPE_WEBHOOK_SECRET"),
    stripeSource: value("THROUGHLINE_STRIPE_SOURCE") ?? "stripe",
    allowedOrigins: list("THROUGHLINE_ALLOWED_ORIGINS"),
    supabaseURL: value("SUPABASE_URL")?.replace(/\/+$/, ""),
    supabaseKey: secretKey(value("SUPABASE_SECRET_KEYS")) ?? value("SUPABASE_SERVICE_ROLE_KEY"),
  };
}

/** Newer projects give their secret keys as an object of names; the default one, else the first. */
function secretKey(keys: string | undefined): string | undefined {
  if (keys === undefined) return undefined;
  const named = parsed(keys);
  if (!isObject(named)) return undefined;
  const first = named.default ?? Object.values(named)[0];
  return typeof first === "string" ? first : undefined;
}

// Signatures

/** Whether a body was signed by Stripe with one of the secrets, not longer ago than five minutes. */
export async function isFromStripe(
  body: Uint8Array<ArrayBuffer>,
  header: string | null,
  secrets: string[],
  now: number = Date.now(),
): Promise<boolean> {
  const parts = (header ?? "").split(",").map((part) => part.trim().split("="));
  const times = parts.filter(([name]) => name === "t").map(([, value]) => value);
  const signatures = parts.filter(([name]) => name === "v1").map(([, value]) => bytesOfHex(value ?? ""));
  if (times.length !== 1 || !isFresh(times[0], now)) return false;
  const signed = joined(text(`${times[0]}.`), body);
  return await isSigned(signed, signatures, secrets.map((secret) => text(secret)));
}

/** Whether a body was signed by the Standard Webhooks scheme with one of the secrets (`whsec_…`). */
export async function isStandardWebhook(
  body: Uint8Array<ArrayBuffer>,
  headers: Headers,
  secrets: string[],
  now: number = Date.now(),
): Promise<boolean> {
  const id = headers.get("webhook-id");
  const time = headers.get("webhook-timestamp");
  if (!id || !time || !isFresh(time, now)) return false;
  // Supabase's auth server puts a comma and a space between signatures, the standard a space.
  const signatures = (headers.get("webhook-signature") ?? "").split(" ")
    .map((entry) => entry.replace(/,$/, "")).filter((entry) => entry.startsWith("v1,"))
    .map((entry) => bytesOfBase64(entry.slice(3)));
  const keys = secrets.map(standardKey).filter((key) => key !== undefined);
  return await isSigned(joined(text(`${id}.${time}.`), body), signatures, keys);
}

/** The headers of the Standard Webhooks scheme for a body. */
export async function standardSignature(
  id: string,
  body: Uint8Array<ArrayBuffer>,
  secret: string,
  now: number = Date.now(),
): Promise<Record<string, string>> {
  const time = String(Math.floor(now / 1000));
  const key = standardKey(secret);
  if (key === undefined) {
    throw new Error("THROUGHLINE_SECRET must be whsec_ and base64, as `throughline keys secret` makes it.");
  }
  const signature = await crypto.subtle.sign("HMAC", await hmacKey(key, "sign"), joined(text(`${id}.${time}.`), body));
  return {
    "webhook-id": id,
    "webhook-timestamp": time,
    "webhook-signature": `v1,${btoa(String.fromCharCode(...new Uint8Array(signature)))}`,
  };
}

function standardKey(secret: string): Uint8Array<ArrayBuffer> | undefined {
  return bytesOfBase64(secret.replace(/^v1,/, "").replace(/^whsec_/, ""));
}

function isFresh(seconds: string, now: number): boolean {
  return /^\d{1,12}$/.test(seconds) && Math.abs(now / 1000 - Number(seconds)) <= toleranceSeconds;
}

/** Compares in constant time: WebCrypto's `verify` does. */
async function isSigned(
  signed: Uint8Array<ArrayBuffer>,
  signatures: (Uint8Array<ArrayBuffer> | undefined)[],
  keys: Uint8Array<ArrayBuffer>[],
): Promise<boolean> {
  for (const bytes of keys) {
    if (bytes.length === 0) continue;
    const key = await hmacKey(bytes, "verify");
    for (const signature of signatures.slice(0, 10)) {
      if (signature !== undefined && await crypto.subtle.verify("HMAC", key, signature, signed)) return true;
    }
  }
  return false;
}

function hmacKey(bytes: Uint8Array<ArrayBuffer>, use: "sign" | "verify"): Promise<CryptoKey> {
  return crypto.subtle.importKey("raw", bytes, { name: "HMAC", hash: "SHA-256" }, false, [use]);
}

function text(value: string): Uint8Array<ArrayBuffer> {
  return new TextEncoder().encode(value);
}

function joined(first: Uint8Array<ArrayBuffer>, second: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> {
  const whole = new Uint8Array(first.length + second.length);
  whole.set(first);
  whole.set(second, first.length);
  return whole;
}

function bytesOfHex(value: string): Uint8Array<ArrayBuffer> | undefined {
  if (!/^([0-9a-f]{2})+$/.test(value)) return undefined;
  return Uint8Array.from(value.match(/../g) ?? [], (pair) => parseInt(pair, 16));
}

function bytesOfBase64(value: string): Uint8Array<ArrayBuffer> | undefined {
  try {
    return Uint8Array.from(atob(value), (character) => character.charCodeAt(0));
  } catch {
    return undefined; // No base64: then it is no signature and no secret.
  }
}

// Sending

/** What became of something that was sent. */
export interface Sent {
  /** Whether the server answered for it, or it waits in the database's inbox. */
  via: "server" | "inbox";
  /** The server's word (`accepted`, `duplicate`, `quarantined`, `ignored`), or `waiting`. */
  status: string;
  /** The event's id in the journal, and the token for its receipt, where the server gave them. */
  event?: string;
  token?: string;
}

/** It was not taken, and sending the same again would not help. */
export class Refused extends Error {
  constructor(message: string, readonly field?: string) {
    super(message);
  }
}

/** It was not taken now; send the same again later. */
export class Unavailable extends Error {}

/** Sends one event; with the same id as often as you like, it is one event. */
export async function send(event: ThroughlineEvent, to: Settings, trace: Trace = newTrace()): Promise<Sent> {
  const body = text(JSON.stringify(event));
  if (to.secret === undefined) return await enqueue(to, { payload: body }, trace);
  const headers = await standardSignature(event.id, body, to.secret);
  return await forward({ source: to.source, headers, payload: body }, to, trace);
}

/** A body as its sender signed it, for a source of the server. */
export interface Delivery {
  source: string;
  /** The headers that carry the signature. */
  headers: Record<string, string>;
  payload: Uint8Array<ArrayBuffer>;
}

/** Passes a delivery on unchanged: to the server, and where that does not take it, into the inbox. */
export async function forward(delivery: Delivery, to: Settings, trace: Trace = newTrace()): Promise<Sent> {
  if (to.url === undefined) return await enqueue(to, delivery, trace);
  let problem: string;
  try {
    const answer = await fetch(`${to.url}/in/${delivery.source}`, {
      method: "POST",
      headers: { ...delivery.headers, ...trace.headers, "content-type": "application/json" },
      body: delivery.payload,
      redirect: "error",
      signal: AbortSignal.timeout(timeouts.server),
    });
    const said = parsed(await answer.text());
    if (answer.ok && isObject(said)) {
      return { via: "server", status: String(said.status), event: wordOf(said.event), token: wordOf(said.token) };
    }
    const error = isObject(said) && isObject(said.error) ? said.error : {};
    if ([400, 413, 415].includes(answer.status)) {
      throw new Refused(String(error.message ?? "refused"), wordOf(error.field));
    }
    problem = `it answered ${answer.status}`;
  } catch (error) {
    if (error instanceof Refused) throw error;
    problem = reason(error);
  }
  log("warning", "server not reached, using the inbox", trace, { "throughline.problem": problem });
  return await enqueue(to, delivery, trace);
}

async function enqueue(to: Settings, item: Partial<Delivery> & { payload: Uint8Array }, trace: Trace): Promise<Sent> {
  if (to.supabaseURL === undefined || to.supabaseKey === undefined) {
    throw new Unavailable(
      "There is no server that can be reached, and no inbox: SUPABASE_URL or its secret key is not set.",
    );
  }
  const call = {
    payload: new TextDecoder("utf-8", { fatal: true }).decode(item.payload),
    ...(item.source === undefined ? {} : { source: item.source, headers: item.headers }),
  };
  await accept(to, call, trace);
  return { via: "inbox", status: "waiting" };
}

/** Calls the inbox function of the database; without a payload it writes nothing. */
export async function accept(to: Settings, call: Record<string, unknown>, trace: Trace): Promise<void> {
  let answer: Response;
  let said: unknown;
  try {
    answer = await fetch(`${to.supabaseURL}/rest/v1/rpc/throughline_accept`, {
      method: "POST",
      headers: {
        ...trace.headers,
        "content-type": "application/json",
        apikey: to.supabaseKey ?? "",
        // The newer keys are no tokens and stand in `apikey` alone.
        ...(to.supabaseKey?.startsWith("sb_") ? {} : { authorization: `Bearer ${to.supabaseKey}` }),
      },
      body: JSON.stringify(call),
      redirect: "error",
      signal: AbortSignal.timeout(timeouts.inbox),
    });
    said = parsed(await answer.text());
  } catch (error) {
    throw new Unavailable(`The inbox was not reached: ${reason(error)}.`);
  }
  if (answer.ok) return;
  const error = isObject(said) ? said : {};
  // 22: what was sent is no good. All else is the inbox's own trouble.
  if (String(error.code).startsWith("22")) throw new Refused(String(error.message));
  throw new Unavailable(`The inbox answered ${answer.status}${error.code ? ` (${error.code})` : ""}.`);
}

// The gate

/** What the model proposes, with the conversation that it comes from. */
export interface Proposal {
  id: string;
  session: string;
  user?: string;
  messages: { role: string; content: string }[];
  context?: { kind: string; name: string; values: string[] }[];
  proposal: { intent: string; confidence?: number; fields?: Record<string, unknown> };
  reply?: string;
}

export interface Decision {
  decision: "execute" | "escalate" | "confirm" | "clarify" | "refuse";
  event?: string;
  reasons: string[];
  say?: string;
  reply?: string;
}

/**
 * Asks the gate what may be done.
 *
 * Whatever goes wrong, the answer is `escalate`: without the gate nothing is done on the model's word, and a person looks.
 */
export async function askGate(proposal: Proposal, to: Settings, trace: Trace = newTrace()): Promise<Decision> {
  try {
    if (to.url === undefined || to.key === undefined) throw new Error("THROUGHLINE_URL or THROUGHLINE_KEY is not set");
    const answer = await fetch(`${to.url}/v1/intents`, {
      method: "POST",
      headers: { ...trace.headers, "content-type": "application/json", authorization: `Bearer ${to.key}` },
      body: JSON.stringify(proposal),
      redirect: "error",
      signal: AbortSignal.timeout(timeouts.gate),
    });
    const said = parsed(await answer.text());
    if (!answer.ok) throw new Error(`it answered ${answer.status}`);
    if (!isDecision(said)) throw new Error("its answer is no decision");
    return said;
  } catch (error) {
    log("error", "the gate gave no decision", trace, { "throughline.problem": reason(error) });
    return { decision: "escalate", reasons: ["gate_unreachable"] };
  }
}

function isDecision(value: unknown): value is Decision {
  return isObject(value) && Array.isArray(value.reasons) &&
    ["execute", "escalate", "confirm", "clarify", "refuse"].includes(String(value.decision));
}

// Requests and answers

/** The ids that tie together what one request led to. */
export interface Trace {
  requestID: string;
  /** To pass on with each call. */
  headers: Record<string, string>;
}

/** Takes over the caller's trace, or begins one. */
export function newTrace(request?: Request): Trace {
  const given = request?.headers.get("traceparent") ?? "";
  const id = /^00-([0-9a-f]{32})-[0-9a-f]{16}-([0-9a-f]{2})$/.exec(given);
  const trace = id?.[1] ?? hex(16);
  const asked = request?.headers.get("x-request-id") ?? "";
  const requestID = /^[\w.:-]{1,64}$/.test(asked) ? asked : `req_${trace.slice(0, 20)}`;
  return {
    requestID,
    headers: { traceparent: `00-${trace}-${hex(8)}-${id?.[2] ?? "01"}`, "x-request-id": requestID },
  };
}

function hex(bytes: number): string {
  return Array.from(crypto.getRandomValues(new Uint8Array(bytes)), (byte) => byte.toString(16).padStart(2, "0")).join(
    "",
  );
}

/** One line of JSON for the function's log. Never a body, a secret or a person's data. */
export function log(
  level: "info" | "warning" | "error",
  message: string,
  trace: Trace,
  more: Record<string, unknown> = {},
) {
  const line = JSON.stringify({ level, message, "request.id": trace.requestID, ...more });
  if (level === "error") console.error(line);
  else console.log(line);
}

/** The bytes of a request, or undefined where there are more than allowed; it stops reading there. */
export async function bodyOf(request: Request, sizeMax = bodySizeMax): Promise<Uint8Array<ArrayBuffer> | undefined> {
  if (Number(request.headers.get("content-length") ?? 0) > sizeMax) return undefined;
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of request.body ?? []) {
    size += chunk.length;
    if (size > sizeMax) return undefined;
    chunks.push(chunk);
  }
  const body = new Uint8Array(size);
  let at = 0;
  for (const chunk of chunks) {
    body.set(chunk, at);
    at += chunk.length;
  }
  return body;
}

/** An answer in JSON with the request's id. */
export function answer(
  status: number,
  body: Record<string, unknown>,
  trace: Trace,
  headers: Record<string, string> = {},
): Response {
  return new Response(JSON.stringify({ ...body, request_id: trace.requestID }), {
    status,
    headers: {
      "content-type": "application/json",
      "cache-control": "no-store",
      "x-request-id": trace.requestID,
      ...headers,
    },
  });
}

/** An error as Throughline's own server words it. */
export function problem(
  status: number,
  code: string,
  message: string,
  trace: Trace,
  more: { field?: string; headers?: Record<string, string> } = {},
): Response {
  return answer(status, { error: { code, message, field: more.field ?? null } }, trace, more.headers);
}

/** What a sender hears of an error while something was sent on. */
export function problemOf(error: unknown, trace: Trace, headers: Record<string, string> = {}): Response {
  if (error instanceof Refused) return problem(400, "invalid", error.message, trace, { field: error.field, headers });
  log("error", "not taken", trace, { "throughline.problem": reason(error) });
  return problem(
    503,
    "unavailable",
    "It could not be kept now, so nothing was taken. Send it again in a moment.",
    trace,
    {
      headers: { "retry-after": "30", ...headers },
    },
  );
}

/**
 * The CORS headers for a request's page; undefined where that page may not call.
 *
 * Only origins that are named may; there is no wildcard. A caller that is no page sends no origin and gets no header.
 */
export function corsHeaders(request: Request, to: Settings): Record<string, string> | undefined {
  const origin = request.headers.get("origin");
  if (origin === null) return {};
  if (!to.allowedOrigins.includes(origin)) return undefined;
  return { "access-control-allow-origin": origin, vary: "origin" };
}

/** The answer to a page that asks before it posts. */
export function preflight(cors: Record<string, string>): Response {
  return new Response(null, {
    status: 204,
    headers: {
      ...cors,
      "access-control-allow-methods": "POST",
      "access-control-allow-headers": "authorization, apikey, content-type, traceparent, x-request-id, x-client-info",
      "access-control-max-age": "600",
    },
  });
}

/** The user behind a request's token, asked of Supabase; undefined for a visitor, null for a token that does not hold. */
export async function userOf(request: Request, to: Settings, trace: Trace): Promise<string | undefined | null> {
  const token = /^Bearer (.+)$/i.exec(request.headers.get("authorization") ?? "")?.[1];
  // A project's own keys are public and say nothing of who calls.
  if (token === undefined || token === request.headers.get("apikey") || token.startsWith("sb_")) return undefined;
  if (roleOf(token) === "anon") return undefined;
  if (to.supabaseURL === undefined || to.supabaseKey === undefined) return null;
  let said: unknown;
  try {
    const answer = await fetch(`${to.supabaseURL}/auth/v1/user`, {
      headers: { ...trace.headers, apikey: to.supabaseKey, authorization: `Bearer ${token}` },
      redirect: "error",
      signal: AbortSignal.timeout(timeouts.user),
    });
    said = parsed(await answer.text());
    if (answer.status >= 500) throw new Error(`it answered ${answer.status}`);
    if (!answer.ok) return null;
  } catch (error) {
    throw new Unavailable(`Supabase's auth server was not reached: ${reason(error)}.`);
  }
  return isObject(said) ? wordOf(said.id) ?? null : null;
}

/** The role that a token claims, unverified: enough to tell the public key from a person's token. */
function roleOf(token: string): string | undefined {
  const part = token.split(".")[1]?.replace(/-/g, "+").replace(/_/g, "/");
  const bytes = part === undefined ? undefined : bytesOfBase64(part);
  const claims = bytes === undefined ? undefined : parsed(new TextDecoder().decode(bytes));
  return isObject(claims) ? wordOf(claims.role) : undefined;
}

export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** The value behind JSON text; undefined for what is none. */
export function parsed(json: string): unknown {
  try {
    return JSON.parse(json);
  } catch {
    return undefined; // The caller says what was expected.
  }
}

function wordOf(value: unknown): string | undefined {
  return typeof value === "string" ? value : undefined;
}

/** What an error was, without addresses or data. */
function reason(error: unknown): string {
  if (error instanceof DOMException && error.name === "TimeoutError") return "no answer in time";
  if (error instanceof TypeError) return "no connection";
  return error instanceof Error ? error.message : "unknown";
}
