import * as v from "valibot";
import { route, type Route } from "../http/route.js";
import { version } from "../version.js";
import { openApiDocument } from "./document.js";

/** GET /openapi.json. Made once. @param routes those that it lists, beside itself */
export function documentRoute(routes: readonly Route[]): Route {
  let document: object | undefined;
  const own: Route = route({
    method: "get",
    path: "/openapi.json",
    summary: "This API.",
    role: "anyone",
    answer: v.looseObject({ openapi: v.literal("3.1.0"), paths: v.record(v.string(), v.unknown()) }),
    handle: () => (document ??= openApiDocument([...routes, own], version())),
  });
  return own;
}
