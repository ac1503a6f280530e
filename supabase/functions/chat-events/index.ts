import { handle } from "./chat-events.ts";

Deno.serve((request) => handle(request));
