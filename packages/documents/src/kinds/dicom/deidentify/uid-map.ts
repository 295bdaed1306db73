import { createHmac } from "node:crypto";

/** The root of UIDs that are UUIDs, PS3.5 section B.2. */
const UUID_ROOT = "2.25.";
/** UIDs that the standard defines. They name classes and encodings, never an object. */
const STANDARD = "1.2.840.10008.";

/**
 * New UIDs for old ones: the same for the same secret, so that what belonged together still does; without the secret nobody can tell
 * from which it was made, nor make it anew from an old one.
 */
export class UidMap {
  readonly #secret: string | Uint8Array;

  constructor(secret: string | Uint8Array) {
    this.#secret = secret;
  }

  /** Values of an element, as its bytes. UIDs of the standard stay. */
  replace(value: Uint8Array): Uint8Array {
    const uids = Buffer.from(value).toString("latin1").split("\\");
    return Buffer.from(uids.map((uid) => this.#one(uid.replace(/[ \0]+/g, ""))).join("\\"), "latin1");
  }

  #one(uid: string): string {
    if (uid === "" || uid.startsWith(STANDARD)) return uid;
    const uuid = createHmac("sha256", this.#secret).update(uid).digest().subarray(0, 16);
    // Version 8, of one's own making, and the variant of RFC 9562.
    uuid[6] = (uuid[6]! & 0x0f) | 0x80;
    uuid[8] = (uuid[8]! & 0x3f) | 0x80;
    return UUID_ROOT + BigInt(`0x${uuid.toString("hex")}`).toString();
  }
}
