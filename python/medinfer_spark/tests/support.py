"""What the tests and the acceptance run share: a real server, a real Spark, pages, and the library's own answers."""

from __future__ import annotations

import json
import os
import re
import shutil
import struct
import subprocess
import sys
import tempfile
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from pyspark.sql import SparkSession

ROOT = Path(__file__).resolve().parents[3]
EXAMPLES = ROOT / "examples" / "prescriptions"
PROMPT = "Return the prescription as JSON."
PUBLISHED_MODEL = "jsl_meds_vlm_3b_q4_v1"
"""What pipelines of Spark NLP call their model: here an alias of the embedded one."""
MODEL: dict[str, Any] = {"nThreads": 1, "batchSize": 1, "kv": {"prefixCache": False}}
"""Computes each row alone: beside others, or after one that begins alike, the choice between two tokens that are as likely may be
another, because kernels differ by the number of rows."""


class RunningServer:
    """`medinfer serve` with the embedded model."""

    def __init__(self, *flags: str, port: int = 0, model: dict[str, Any] | None = None) -> None:
        """
        :param model: options of the model, beside those of `MODEL`
        """
        self._log = tempfile.NamedTemporaryFile(mode="w+", prefix="medinfer-serve-")
        with tempfile.NamedTemporaryFile(mode="w", suffix=".json") as models:
            json.dump([{"name": "medinfer-tiny", "aliases": [PUBLISHED_MODEL], **MODEL, **(model or {})}], models)
            models.flush()
            command = ["node", str(ROOT / "packages/cli/bin/medinfer.js"), "serve", "--port", str(port), "--models", models.name]
            self.process = subprocess.Popen([*command, *flags], stderr=self._log, stdout=subprocess.DEVNULL)
            self._await_start()

    def _await_start(self) -> None:
        self.url = self._until(r"listening on (http://\S+)")
        self._until(r"(ready: )")

    def _until(self, pattern: str) -> str:
        while True:
            self._log.seek(0)
            log = self._log.read()
            found = re.search(pattern, log)
            if found:
                return found[1]
            try:
                self.process.wait(0.1)
            except subprocess.TimeoutExpired:
                continue
            raise RuntimeError(f"the server ended: {log}")

    @property
    def port(self) -> int:
        return int(self.url.rsplit(":", 1)[1])

    def answered(self) -> int:
        """Chats that the server has answered."""
        return self._count(r'^medinfer_requests_total\{endpoint="POST /v1/chat/completions"[^\n]*outcome="answered"[^\n]*\} (\d+)$')

    def completion_tokens(self) -> int:
        return self._count(r'^medinfer_tokens_total\{[^\n]*kind="completion"[^\n]*\} (\d+)$')

    def _count(self, pattern: str) -> int:
        return sum(int(each) for each in re.findall(pattern, self.get("/metrics").decode(), re.MULTILINE))

    def get(self, path: str) -> bytes:
        with urllib.request.urlopen(self.url + path) as answer:
            return bytes(answer.read())

    def stop(self) -> None:
        self.process.terminate()
        self.process.wait()


@contextmanager
def serving(*flags: str, port: int = 0, model: dict[str, Any] | None = None) -> Iterator[RunningServer]:
    server = RunningServer(*flags, port=port, model=model)
    try:
        yield server
    finally:
        server.stop()


@contextmanager
def spark_session(master: str, **settings: str) -> Iterator[SparkSession]:
    # Workers get the interpreter and the module under test.
    os.environ["PYSPARK_PYTHON"] = sys.executable
    os.environ["PYTHONPATH"] = os.pathsep.join([str(ROOT / "python/medinfer_spark"), str(Path(__file__).parent)])
    builder = SparkSession.builder.master(master).appName("medinfer-spark").config("spark.ui.enabled", "false")
    builder = builder.config("spark.sql.session.timeZone", "UTC")
    for name, value in settings.items():
        builder = builder.config(name, value)
    session = builder.getOrCreate()
    session.sparkContext.setLogLevel("OFF")
    try:
        yield session
    finally:
        session.stop()


def direct_answers(rows: list[dict[str, Any]], options: dict[str, Any], model: dict[str, Any] | None = None) -> dict[str, dict[str, Any]]:
    """What the library itself answers, without server and Spark.

    :param rows: `{ id, image }`, the image a file
    :param model: options of the model, beside those of `MODEL`
    :returns: by id: `{ text, error }`, the error a code or None
    """
    asked = json.dumps({"rows": rows, "options": options, "model": {**MODEL, **(model or {})}})
    command = ["node", str(Path(__file__).parent / "direct.mjs")]
    run = subprocess.run(command, input=asked, capture_output=True, text=True, check=False)
    if run.returncode != 0:
        raise RuntimeError(run.stderr)
    return {each["id"]: each for each in map(json.loads, run.stdout.splitlines())}


def draw_pages(spark: SparkSession, folder: Path, count: int) -> None:
    """Pages that differ from each other: the examples, each cut a little more at the right and at the bottom."""
    from medinfer_spark.png import encode_png

    images = [row.image for row in spark.read.format("image").load(f"{EXAMPLES}/*.png").orderBy("image.origin").collect()]
    folder.mkdir(parents=True, exist_ok=True)
    for index in range(count):
        image, cut = images[index % len(images)], index // len(images)
        height, width, stride = image.height - cut, image.width - cut, image.width * 3
        data = b"".join(bytes(image.data[y * stride : y * stride + width * 3]) for y in range(height))
        (folder / f"{index:05d}.png").write_bytes(encode_png(data, height, width, 3))


def write_as(spark: SparkSession, source: Path, target: Path, kind: str) -> None:
    """The same picture as gif, bmp or jpg, written by Java."""
    java: Any = spark.sparkContext._jvm
    picture = java.javax.imageio.ImageIO.read(java.java.io.File(str(source)))
    if not java.javax.imageio.ImageIO.write(picture, kind, java.java.io.File(str(target))):
        raise RuntimeError(f"Java writes no {kind}")


def png_size(data: bytes) -> tuple[int, int]:
    """Height and width."""
    width, height = struct.unpack_from(">II", data, 16)
    return height, width


def copy_examples(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for each in EXAMPLES.glob("*.png"):
        shutil.copy(each, folder)
