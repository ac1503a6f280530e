/**
 * Takes Stripe's webhooks: verifies, passes on unchanged, and answers 200 once the delivery is kept.
 *
 * Register `https://<project>.supabase.co/functions/v1/stripe-webhook` at Stripe, and set STRIPE_WEBHOOK_SECRET. Stripe
 * tries again whatever is not answered with 2xx.
 */
import {
  answer,
  bodyOf,
  forward,
  isFromStripe,
  newTrace,
  problem,
  problemOf,
  settings,
} from "../_shared/throughline.ts";

export async function handle(request: Request, to = settings()): Promise<Response> {
  const trace = newTrace(request);
  if (request.method !== "POST") return problem(405, "invalid", "Post here.", trace, { headers: { allow: "POST" } });
  const signature = request.headers.get("stripe-signature");
  const payload = await bodyOf(request);
  if (payload === undefined) return problem(413, "too_large", "The body is larger than 1 MiB.", trace);
  if (!await isFromStripe(payload, signature, to.stripeSecrets)) {
    return problem(401, "unauthorized", "The signature could not be verified, and nothing was kept.", trace);
  }
  try {
    const headers = { "stripe-signature": signature ?? "" };
    return answer(200, { ...await forward({ source: to.stripeSource, headers, payload }, to, trace) }, trace);
  } catch (error) {
    return problemOf(error, trace);
  }
}
