/**
 * Says whether what the functions need is there: settings, the way to the server, the way into the inbox.
 *
 * 200 while at least one of the two ways works, else 503; for an uptime check. It names no address and no secret.
 */
import { accept, answer, newTrace, problem, type Settings, settings } from "../_shared/throughline.ts";

export async function handle(request: Request, to = settings()): Promise<Response> {
  const trace = newTrace(request);
  if (request.method !== "GET") return problem(405, "invalid", "Ask with GET.", trace, { headers: { allow: "GET" } });
  const [server, inbox] = await Promise.all([
    to.url === undefined ? "not configured" : outcome(() => isReady(to)),
    // Without a payload it writes nothing.
    to.supabaseURL === undefined ? "not configured" : outcome(() => accept(to, { payload: null }, trace)),
  ]);
  const missing = [
    to.secret === undefined && to.url !== undefined ? "THROUGHLINE_SECRET" : undefined,
    to.stripeSecrets.length === 0 ? "STRIPE_WEBHOOK_SECRET" : undefined,
    to.allowedOrigins.length === 0 ? "THROUGHLINE_ALLOWED_ORIGINS" : undefined,
  ].filter((name) => name !== undefined);
  const isWorking = server === "ok" || inbox === "ok";
  return answer(
    isWorking ? 200 : 503,
    { status: isWorking ? "ok" : "failing", server, inbox, not_set: missing },
    trace,
  );
}

async function isReady(to: Settings): Promise<void> {
  const answer = await fetch(`${to.url}/readyz`, { redirect: "error", signal: AbortSignal.timeout(3_000) });
  await answer.body?.cancel();
  if (!answer.ok) throw new Error("not ready");
}

async function outcome(attempt: () => Promise<void>): Promise<string> {
  try {
    await attempt();
    return "ok";
  } catch {
    return "failing"; // Which way fails is all that a stranger is told.
  }
}
