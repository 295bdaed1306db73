"""What can go wrong between a row and its answer. No message holds a text or a byte of a row."""

from __future__ import annotations


class RowError(Exception):
    """One row cannot be answered: told in the metadata of its annotation."""

    def __init__(self, code: str, message: str, status: int | None = None, request_id: str | None = None) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.status = status
        """Of the server's answer; None where the row was not sent, or got none."""
        self.request_id = request_id
        """Under which the server's log has it."""


class MedinferError(RuntimeError):
    """No row can be answered, such as with a wrong option or without a server: ends the task, which Spark tries again."""
