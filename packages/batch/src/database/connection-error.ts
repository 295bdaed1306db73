/**
 * SQLSTATEs behind which the same transaction may succeed: class 08 (connection), an end or start of the server (57P01 to
 * 57P03), too many connections (53300), a session that the server ended (25P03, 57P05), serialization and deadlock (40001, 40P01).
 * Source: PostgreSQL's appendix of error codes.
 */
const STATES = /^(08\w{3}|57P0[1235]|53300|25P03|40001|40P01)$/;
/** Of sockets and of name look-ups. ENOENT: the socket of a server that is starting. */
const SOCKET = /^(ECONNREFUSED|ECONNRESET|ECONNABORTED|EPIPE|ETIMEDOUT|EHOSTUNREACH|ENETUNREACH|ENOTFOUND|EAI_AGAIN)$/;
/** What node-postgres says without a code (8.x). */
const MESSAGES =
  /^(Connection terminated|timeout exceeded when trying to connect|Client has encountered a connection error|Query read timeout|Client was closed)/;

/** Whether the connection, and not the statement, is what failed: the whole transaction is to be tried again. */
export function isConnectionError(error: unknown): boolean {
  if (typeof error !== "object" || error === null) return false;
  const { code, message = "", syscall } = error as { code?: unknown; message?: string; syscall?: string };
  if (typeof code === "string") {
    if (STATES.test(code) || SOCKET.test(code)) return true;
    if (code === "ENOENT" && syscall === "connect") return true;
  }
  return MESSAGES.test(message);
}
