import { readFileSync } from "node:fs";
import path from "node:path";
import { route, type Route } from "../http/route.js";
import { openApiDocument } from "./document.js";

/** GET /openapi.json. Made once. @param routes those that it lists, beside itself */
export function documentRoute(routes: readonly Route[]): Route {
  let document: object | undefined;
  const own: Route = route({
    method: "get",
    path: "/openapi.json",
    summary: "This API.",
    role: "anyone",
    handle: () => (document ??= openApiDocument([...routes, own], version())),
  });
  return own;
}

function version(): string {
  const file = path.join(__dirname, "..", "..", "package.json");
  return (JSON.parse(readFileSync(file, "utf8")) as { version: string }).version;
}
