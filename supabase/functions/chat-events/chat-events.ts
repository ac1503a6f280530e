/**
 * Takes what happens in the chat from the page itself: a chat begins, somebody leaves an address, somebody asks for a
 * person.
 *
 * Anybody can call a page's endpoint, so it takes only what a visitor may say of themselves: the types and fields below.
 * Who the user is, it takes from their token and from nothing else. Payments, tickets and the like come from providers
 * and from your own functions, which use `send` of the library.
 *
 * Set THROUGHLINE_ALLOWED_ORIGINS to the addresses of your pages.
 */
import {
  answer,
  bodyOf,
  corsHeaders,
  isObject,
  newTrace,
  parsed,
  preflight,
  problem,
  problemOf,
  send,
  type Sent,
  settings,
  type ThroughlineEvent,
  userOf,
} from "../_shared/throughline.ts";

const fieldsOf = new Map(Object.entries({
  chat_started: ["channel", "page", "locale", "referrer"],
  lead_captured: ["email", "name", "firstname", "lastname", "company", "phone", "website", "message", "consent"],
  booking_confirmed: ["reference", "email", "name", "starts_at", "kind"],
  support_escalated: ["reason", "message", "email"],
}));
const sizeMax = 256 << 10;
const eventsMax = 20;

export async function handle(request: Request, to = settings()): Promise<Response> {
  const trace = newTrace(request);
  const cors = corsHeaders(request, to);
  if (cors === undefined) {
    return problem(403, "forbidden", "This page may not call. Name its origin in THROUGHLINE_ALLOWED_ORIGINS.", trace);
  }
  if (request.method === "OPTIONS") return preflight(cors);
  const refuse = (status: number, code: string, message: string, field?: string) =>
    problem(status, code, message, trace, { field, headers: cors });
  if (request.method !== "POST") return refuse(405, "invalid", "Post here.");
  const bytes = await bodyOf(request, sizeMax);
  if (bytes === undefined) return refuse(413, "too_large", "The body is larger than 256 KiB.");
  const said = parsed(new TextDecoder().decode(bytes));
  const items = Array.isArray(said) ? said : [said];
  if (items.length === 0 || items.length > eventsMax) return refuse(400, "invalid", `Send 1 to ${eventsMax} events.`);
  try {
    const user = await userOf(request, to, trace);
    if (user === null) return refuse(401, "unauthorized", "The token does not hold. Sign in again.");
    const events = await Promise.all(items.map((item) => eventOf(item, user)));
    const wrong = events.findIndex((event) => typeof event === "string");
    if (wrong >= 0) return refuse(400, "invalid", String(events[wrong]), items.length > 1 ? `[${wrong}]` : undefined);
    // One after the other: a chat that begins stands before what is said in it.
    const taken: Sent[] = [];
    for (const event of events) taken.push(await send(event as ThroughlineEvent, to, trace));
    return answer(200, Array.isArray(said) ? { items: taken } : { ...taken[0] }, trace, cors);
  } catch (error) {
    return problemOf(error, trace, cors);
  }
}

/** The event that a page may send, or what is wrong with it. */
async function eventOf(item: unknown, user: string | undefined): Promise<ThroughlineEvent | string> {
  if (!isObject(item)) return "An event is one JSON object.";
  const { id, type, session, occurred_at, data } = item;
  const fields = typeof type === "string" ? fieldsOf.get(type) : undefined;
  if (fields === undefined) return `A page may send ${[...fieldsOf.keys()].join(", ")}.`;
  if (!isShort(session)) return "session is required: the chat session's id, at most 128 characters.";
  if (id !== undefined && !isShort(id)) return "id is text of at most 128 characters.";
  if (occurred_at !== undefined && typeof occurred_at !== "string") return "occurred_at is a time as text.";
  if (data !== undefined && !isObject(data)) return "data is an object.";
  return {
    // Nobody can take another conversation's id away by guessing it.
    id: `page:${await digest(`${session}\n${id ?? crypto.randomUUID()}`)}`,
    type: type as string,
    session,
    ...(occurred_at === undefined ? {} : { occurred_at }),
    ...(user === undefined ? {} : { user }),
    data: Object.fromEntries(Object.entries(data ?? {}).filter(([name]) => fields.includes(name))),
  };
}

function isShort(value: unknown): value is string {
  return typeof value === "string" && value.length >= 1 && value.length <= 128;
}

async function digest(value: string): Promise<string> {
  const bytes = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(value));
  return Array.from(new Uint8Array(bytes), (byte) => byte.toString(16).padStart(2, "0")).join("");
}
