"""Answers the rows of a partition, several at once, in their order."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass

import pyarrow as pa

from medinfer_spark.annotation import Annotation, to_arrow
from medinfer_spark.ask import Ask

_WINDOW = 4
"""Rows that are under way, or wait for one before them, for each request at once: a slow one does not stop the others."""


@dataclass
class _Row:
    batch: pa.RecordBatch
    index: int
    answer: Future[Annotation]


def answer_rows(batches: Iterator[pa.RecordBatch], ask: Ask, image: int, prompt: int, output: str) -> Iterator[pa.RecordBatch]:
    """The same rows with a column more. Rows go out as soon as they and those before them are answered; of answers that are
    waited for, so many are held as `_WINDOW` says, and of images the batches that they came in.

    :param image: the column's place
    :param prompt: the column's place; it is left out of what comes back
    """
    server = ask.connect()
    rows: deque[_Row] = deque()
    pool = ThreadPoolExecutor(ask.batch_size, thread_name_prefix="medinfer")

    def answer(batch: pa.RecordBatch, index: int) -> Annotation:
        # Here, so that only rows that are being asked have their bytes twice.
        return ask.annotate(server, batch.column(image)[index].as_py(), batch.column(prompt)[index].as_py())

    def first_rows() -> pa.RecordBatch:
        """All that are answered at the head, of one batch, and one at least."""
        first = rows[0]
        answers: list[Annotation] = []
        while rows and rows[0].batch is first.batch and (not answers or rows[0].answer.done()):
            answers.append(rows.popleft().answer.result())
        kept = first.batch.slice(first.index, len(answers)).remove_column(prompt)
        return pa.RecordBatch.from_arrays([*kept.columns, to_arrow(answers)], [*kept.schema.names, output])

    try:
        for batch in batches:
            for index in range(batch.num_rows):
                rows.append(_Row(batch, index, pool.submit(answer, batch, index)))
                if len(rows) >= ask.batch_size * _WINDOW:
                    yield first_rows()
        while rows:
            yield first_rows()
    finally:
        # Where a row ends the task, or nobody wants more of it.
        pool.shutdown(wait=False, cancel_futures=True)
        server.close()
