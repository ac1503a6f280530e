import { handle } from "./health.ts";

Deno.serve((request) => handle(request));
