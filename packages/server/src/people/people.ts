import { randomBytes } from "node:crypto";
import type { IncomingMessage } from "node:http";
import { Problem } from "../http/problem.js";
import type { Route } from "../http/route.js";
import { openAdmission, type Admission } from "./admission.js";
import { clientSubject } from "./certificate.js";
import { FairAdmission } from "./fair-admission.js";
import { KeyStore } from "./key-store.js";
import { tenantsRoute } from "./tenants-route.js";
import { roles, type Principal } from "./principal.js";

/** Who asks, and when they may go on. */
export interface People {
  /**
   * @param authorization the header of that name
   * @throws Problem 401 or 403
   */
  readonly authorize: (authorization: string | undefined, role: Route["role"], incoming: IncomingMessage) => Principal;
  /** Who does a tenant's work that is done later, with no request of its own. */
  readonly onBehalfOf: (tenant: string) => Principal;
  readonly admission: Admission;
  /** What administrators see of them. */
  readonly routes: readonly Route[];
  close(): void;
}

/** Without keys everybody is one tenant, and may do everything. */
export function everybody(): People {
  const who: Principal = {
    key: "none",
    tenant: "default",
    roles: new Set(roles),
    cacheSalt: randomBytes(32).toString("hex"),
  };
  const onBehalfOf = (tenant: string) => ({ ...who, tenant });
  return { authorize: () => who, onBehalfOf, admission: openAdmission, routes: [], close: () => {} };
}

/** Who calls what needs no key, such as health. */
const anybody: Principal = { key: "none", tenant: "none", roles: new Set(), cacheSalt: "none" };

/**
 * The holders of the keys in a file.
 *
 * @param warn is told why a changed file is not taken
 * @throws MedInferError `INVALID_ARGUMENT` where the file cannot be read, or is wrong
 */
export function holdersOf(file: string, warn: (text: string) => void): People {
  const store = new KeyStore(file, warn);
  const admission = new FairAdmission((tenant) => store.ring.tenants.get(tenant) ?? {});
  return {
    authorize(authorization, role, incoming) {
      if (role === "anyone") return anybody;
      const who = holder(store, authorization, incoming);
      if (who === undefined) throw unknownProblem(authorization !== undefined);
      if (who.roles.has(role)) return who;
      throw new Problem(403, "role_missing", `this call needs a key with the role "${role}"`);
    },
    onBehalfOf: (tenant) => store.ring.onBehalfOf(tenant),
    admission,
    routes: [tenantsRoute(admission)],
    close: () => store.close(),
  };
}

/** A right key counts before a certificate; beside a right certificate the key may be anything, as clients always send one. */
function holder(
  { ring }: KeyStore,
  authorization: string | undefined,
  incoming: IncomingMessage,
): Principal | undefined {
  const [, key] = /^Bearer +(\S+) *$/i.exec(authorization ?? "") ?? [];
  const byKey = key === undefined ? undefined : ring.byKey(key);
  if (byKey !== undefined || !ring.hasCertificates) return byKey;
  const subject = clientSubject(incoming);
  return subject && ring.byCertificate(subject);
}

function unknownProblem(sent: boolean): Problem {
  const message = sent
    ? "the key is not one of this server's: check it, it may have been revoked"
    : "this call needs a key: send the header Authorization: Bearer KEY";
  return new Problem(401, "invalid_api_key", message, { headers: { "www-authenticate": "Bearer" } });
}
