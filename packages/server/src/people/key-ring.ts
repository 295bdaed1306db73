import { createHash, createHmac, timingSafeEqual } from "node:crypto";
import { subjectParts } from "./certificate.js";
import type { KeyFile, TenantTerms } from "./key-file.js";
import type { Principal } from "./principal.js";

export const digestOf = (key: string): Buffer => createHash("sha256").update(key).digest();

/** A tenant's salt of the prefix cache: whoever does not know the secret cannot guess it, so a request could not even ask for it. */
export function cacheSaltOf(secret: Buffer, tenant: string): string {
  return createHmac("sha256", secret).update(tenant).digest("hex");
}

/** The keys of a file as it was read at one time. */
export class KeyRing {
  readonly tenants: ReadonlyMap<string, TenantTerms>;
  readonly #keys: { readonly digest: Buffer; readonly who: Principal }[] = [];
  readonly #certificates = new Map<string, Principal>();
  readonly #secret: Buffer;

  constructor({ keys, tenants }: KeyFile, secret: Buffer) {
    this.tenants = new Map(Object.entries(tenants));
    this.#secret = secret;
    for (const { name, tenant, roles, sha256, certificate } of keys) {
      const who: Principal = { key: name, tenant, roles: new Set(roles), cacheSalt: cacheSaltOf(secret, tenant) };
      if (sha256 !== undefined) this.#keys.push({ digest: Buffer.from(sha256, "hex"), who });
      if (certificate !== undefined) this.#certificates.set(subjectParts(certificate).join("\n"), who);
    }
  }

  /** Who does a tenant's work that is done later. */
  onBehalfOf(tenant: string): Principal {
    return { key: "none", tenant, roles: new Set(["user"]), cacheSalt: cacheSaltOf(this.#secret, tenant) };
  }

  get hasCertificates(): boolean {
    return this.#certificates.size > 0;
  }

  /** Whose key it is. Takes as long for a wrong key as for any right one. */
  byKey(key: string): Principal | undefined {
    const digest = digestOf(key);
    let found: Principal | undefined;
    for (const each of this.#keys) if (timingSafeEqual(each.digest, digest)) found = each.who;
    return found;
  }

  /** @param subject its attributes, sorted */
  byCertificate(subject: readonly string[]): Principal | undefined {
    return this.#certificates.get(subject.join("\n"));
  }
}
