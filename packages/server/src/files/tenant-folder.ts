import { createHash } from "node:crypto";

/** A tenant's folder: its name may hold what no path may. */
export function tenantFolder(tenant: string): string {
  return createHash("sha256").update(tenant).digest("hex").slice(0, 32);
}
