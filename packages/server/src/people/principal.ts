/** What a key lets its holder call. None includes another. */
export const roles = ["user", "admin", "metrics"] as const;
export type Role = (typeof roles)[number];

/** Who asks: found by their key, before anything of the request is read. */
export interface Principal {
  /** The key's name in the file of keys; never the key. */
  readonly key: string;
  readonly tenant: string;
  readonly roles: ReadonlySet<Role>;
  /** What the tenant's prompts are kept apart by in the engine's cache: made by the server, of its own secret. */
  readonly cacheSalt: string;
}
