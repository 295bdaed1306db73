"""Many images through Spark, an executor killed in the midst: is each row there once, with the library's own answer?

    python tests/acceptance.py [--images 100] [--pages FOLDER] [--batched]

Runs `local[2]`, and `local-cluster[2,1,1024]` with kill -9 of one of its two executors, each with a fresh server of the embedded
model. Among the images are an undecodable one, a GIF, a BMP, and one whose pixels Spark has decoded (OpenCV's BGR). Needs a built
checkout, Java 17 and PySpark. Prints figures as JSON lines; the status is 1 where a row is missing, twice, or another.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

from pyspark.sql import DataFrame, SparkSession
from support import PROMPT, RunningServer, direct_answers, draw_pages, serving, spark_session, write_as

MASTERS = ("local[2]", "local-cluster[2,1,1024]")
BATCH_SIZE = 4
PARTITIONS = 10
CODES = {"IMAGE_DECODE": "invalid_image"}
"""The server's word for the library's."""


def prepare(work: Path, pages: Path | None, count: int) -> None:
    """The images: files in `files`, and in `decoded` one that Spark's reader of images is to decode."""
    files, decoded, drawn = work / "files", work / "decoded", work / "drawn"
    with spark_session("local[2]") as spark:
        if pages is None:
            draw_pages(spark, drawn, count - 1)
        sources = sorted((pages or drawn).glob("*.png"))[: count - 1]
        if len(sources) < count - 1:
            raise SystemExit(f"{pages} has {len(sources)} pages of the {count - 1} that are needed")
        files.mkdir()
        decoded.mkdir()
        gif, bmp, bgr, *others = sources
        write_as(spark, gif, files / "page.gif", "gif")
        write_as(spark, bmp, files / "page.bmp", "bmp")
        shutil.copy(bgr, decoded / "decoded.png")
        for each in others:
            shutil.copy(each, files)
        (files / "undecodable.png").write_bytes(others[0].read_bytes()[:5000])


def rows_of(spark: SparkSession, work: Path) -> DataFrame:
    from medinfer_spark.base import ImageAssembler

    files = ImageAssembler.loadImagesAsBytes(spark, str(work / "files")).select("image")
    decoded = spark.read.format("image").load(str(work / "decoded")).select("image")
    return files.unionByName(decoded).repartition(PARTITIONS)


def run(work: Path, master: str, url: str) -> None:
    """In a process of its own: prints the rows as they come back from Spark."""
    from medinfer_spark import annotate

    with spark_session(master) as spark:
        gateway: Any = spark.sparkContext._gateway
        print(json.dumps({"jvm": gateway.proc.pid}), flush=True)
        found = annotate(rows_of(spark, work), prompt=PROMPT, url=url, batch_size=BATCH_SIZE, temperature=0)
        begun = time.monotonic()
        rows = found.selectExpr("image.origin", "completions").collect()
        print(json.dumps({"seconds": round(time.monotonic() - begun, 1)}))
        for row in rows:
            print(json.dumps({"origin": row.origin, "completions": [each.asDict() for each in row.completions]}))


def executors_of(jvm: int) -> list[int]:
    """Processes of executors that this driver has started."""
    found = []
    for each in Path("/proc").iterdir():
        try:
            command = (each / "cmdline").read_bytes()
            parent = int((each / "stat").read_text().rsplit(")", 1)[1].split()[1])
        except (OSError, ValueError, IndexError):
            continue
        if each.name.isdigit() and parent == jvm and b"CoarseGrainedExecutorBackend" in command:
            found.append(int(each.name))
    return sorted(found)


def kill_one(jvm: int, server: RunningServer, after: int, told: dict[str, Any]) -> None:
    """kill -9 of an executor, when the server has given so many answers."""
    while server.answered() < after:
        time.sleep(0.05)
    victims = executors_of(jvm)
    os.kill(victims[0], signal.SIGKILL)
    told.update({"executors": len(victims), "killedAfterAnswers": server.answered()})


def measure(work: Path, master: str, model: dict[str, Any], kill: bool, direct: dict[str, dict[str, Any]]) -> dict[str, Any]:
    with serving(model=model) as server:
        command = [sys.executable, __file__, "--work", str(work), "--run", master, "--url", server.url]
        child = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        assert child.stdout is not None
        jvm = json.loads(child.stdout.readline())["jvm"]
        told: dict[str, Any] = {}
        if kill:
            threading.Thread(target=kill_one, args=(jvm, server, len(direct) // 3, told), daemon=True).start()
        rows = [json.loads(line) for line in child.stdout]
        if child.wait() != 0:
            raise SystemExit(f"{master} failed")
        seconds = rows.pop(0)["seconds"]
        answered = server.answered()
    names = [row["origin"].rsplit("/", 1)[1] for row in rows]
    answers = {name: row["completions"][0] for name, row in zip(names, rows, strict=True)}
    wrong = [name for name, expected in direct.items() if name in answers and not is_same(answers[name], expected)]
    answerable = sum(1 for each in direct.values() if each["error"] is None)
    return {
        "master": master,
        "rows": len(rows),
        "missing": sorted(set(direct) - set(names)),
        "twice": len(names) - len(set(names)),
        "other": wrong,
        "failed": sorted(name for name, each in answers.items() if "llamacpp_exception" in each["metadata"]),
        "answersOfTheServer": answered,
        "computedTwice": answered - answerable,
        "seconds": seconds,
        **told,
    }


def is_same(annotation: dict[str, Any], expected: dict[str, Any]) -> bool:
    if expected["error"] is not None:
        return annotation["result"] == "" and annotation["metadata"]["code"] == CODES.get(expected["error"])
    return bool(annotation["result"] == expected["text"])


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--images", type=int, default=100)
    parser.add_argument("--pages", type=Path, help="PNG files, such as models/generate.py draws; default: drawn of the examples")
    parser.add_argument("--batched", action="store_true", help="the server runs 4 rows at once: near ties may then end otherwise")
    parser.add_argument("--work", type=Path, help="where images go; default: a folder that is removed again")
    parser.add_argument("--run", help=argparse.SUPPRESS)
    parser.add_argument("--url", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.run:
        run(options.work, options.run, options.url)
        return 0
    with tempfile.TemporaryDirectory(prefix="medinfer-spark-") as own:
        work = options.work or Path(own)
        work.mkdir(parents=True, exist_ok=True)
        prepare(work, options.pages, options.images)
        images = [*(work / "files").iterdir(), *(work / "decoded").iterdir()]
        model = {"batchSize": BATCH_SIZE, "kv": {"prefixCache": True}} if options.batched else {}
        begun = time.monotonic()
        asked = {"prompt": PROMPT, "sampling": {"temperature": 0}}
        direct = direct_answers([{"id": each.name, "image": str(each)} for each in images], asked, model)
        failed = sorted(name for name, each in direct.items() if each["error"])
        print(json.dumps({"direct": len(direct), "failed": failed, "seconds": round(time.monotonic() - begun, 1)}), flush=True)
        exact = failed == ["undecodable.png"]
        for master in MASTERS:
            figures = measure(work, master, model, kill=master.startswith("local-cluster"), direct=direct)
            print(json.dumps(figures), flush=True)
            exact &= figures["rows"] == options.images and not figures["missing"] and not figures["twice"] and not figures["other"]
            exact &= figures["failed"] == failed
        print(json.dumps({"exact": exact}), flush=True)
        return 0 if exact else 1


if __name__ == "__main__":
    sys.exit(main())
