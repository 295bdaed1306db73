import * as v from "valibot";
import { route } from "../http/route.js";
import type { FairAdmission } from "./fair-admission.js";

const count = v.pipe(v.number(), v.integer());

/** GET /admin/tenants */
export function tenantsRoute(admission: FairAdmission) {
  return route({
    method: "get",
    path: "/admin/tenants",
    summary: "Tenants that have asked, with their requests at once and how many of these wait for their turn.",
    role: "admin",
    answer: v.object({ data: v.array(v.object({ tenant: v.string(), requests: count, waiting: count })) }),
    handle: () => ({ data: admission.usage }),
  });
}
