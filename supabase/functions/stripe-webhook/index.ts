import { handle } from "./stripe-webhook.ts";

Deno.serve((request) => handle(request));
