/**
 * A chat product as small as one can be: this function gives the page and takes what a visitor types there.
 *
 * It knows nothing of Throughline. The row that it writes becomes an event by the trigger on the product's own table.
 */
const page = `<!doctype html>
<title>Acme Assistant</title>
<p>How can we help?</p>
<form method="post"><input name="email" type="email"><input name="full_name"><button>Send</button></form>`;

Deno.serve(async (request) => {
  if (request.method === "GET") return new Response(page, { headers: { "content-type": "text/html" } });
  const form = await request.formData();
  const saved = await fetch(`${Deno.env.get("SUPABASE_URL")}/rest/v1/leads`, {
    method: "POST",
    headers: { "content-type": "application/json", apikey: Deno.env.get("SUPABASE_ANON_KEY") ?? "" },
    body: JSON.stringify({ email: form.get("email"), full_name: form.get("full_name"), chat: "sess_81" }),
    signal: AbortSignal.timeout(3_000),
  });
  await saved.body?.cancel();
  return new Response("Thank you.", { status: saved.ok ? 200 : 502 });
});
