/** Builders and servers for the tests of the functions. */
import type { Settings } from "../../functions/_shared/throughline.ts";

export const secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

export function bytes(text: string): Uint8Array<ArrayBuffer> {
  return new TextEncoder().encode(text);
}

/** Settings of a product that has nothing but a secret, and what is given. */
export function set(given: Partial<Settings>): Settings {
  return { secret, source: "chat", stripeSecrets: [], stripeSource: "stripe", allowedOrigins: [], ...given };
}

export async function stripeHeader(body: Uint8Array<ArrayBuffer>, key: string, now = Date.now()): Promise<string> {
  const time = Math.floor(now / 1000);
  const hmac = await crypto.subtle.importKey("raw", bytes(key), { name: "HMAC", hash: "SHA-256" }, false, ["sign"]);
  const signed = new Uint8Array([...bytes(`${time}.`), ...body]);
  const signature = new Uint8Array(await crypto.subtle.sign("HMAC", hmac, signed));
  return `t=${time},v1=${Array.from(signature, (byte) => byte.toString(16).padStart(2, "0")).join("")}`;
}

/** A server on a port of its own; a check that fails in it fails the test at the end. */
export async function serving(handler: (request: Request) => Response | Promise<Response>) {
  let trouble: unknown;
  const listening = Promise.withResolvers<number>();
  const server = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen: ({ port }) => listening.resolve(port) },
    async (request) => {
      try {
        return await handler(request);
      } catch (error) {
        trouble = error;
        return new Response(null, { status: 500 });
      }
    },
  );
  return {
    url: `http://127.0.0.1:${await listening.promise}`,
    async [Symbol.asyncDispose]() {
      await server.shutdown();
      if (trouble !== undefined) throw trouble;
    },
  };
}
