from __future__ import annotations

from collections.abc import Iterator

import pytest
from pyspark.sql import SparkSession
from support import RunningServer, serving, spark_session


@pytest.fixture(scope="session")
def spark() -> Iterator[SparkSession]:
    with spark_session("local[2]") as session:
        yield session


@pytest.fixture(scope="session")
def server() -> Iterator[RunningServer]:
    with serving() as running:
        yield running
