import type { Account } from "./account.js";

/** One use of accounts: metrics, a log, spans. What it has no use for it leaves out. */
export interface Observer {
  /** @throws Problem where the request must not go on */
  arrived?(account: Account): void;
  /** Tokens were handed to a stream. @param gapMs since those before of the same choice; undefined for the first */
  tokens?(account: Account, gapMs: number | undefined): void;
  /** What it took is known, answered or not. */
  spent?(account: Account): void;
  answered?(account: Account): void;
  failed?(account: Account, cause: unknown): void;
  /** Nothing more comes: its answer has left, or broken off. Called once. */
  ended?(account: Account): void;
}
