"""annotate: rows against the library's own answers, on Spark's two local cores."""

from __future__ import annotations

import datetime
import json
import pickle
import shutil
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest
from pyspark.sql import Column, DataFrame, Row, SparkSession
from pyspark.sql import functions as F
from support import EXAMPLES, PROMPT, ROOT, RunningServer, direct_answers, serving, write_as

from medinfer_spark import annotate
from medinfer_spark.ask import Ask

OPTIONS: dict[str, Any] = {"temperature": 0}
ANNOTATION = "array<struct<annotatorType:string,begin:int,end:int,result:string,metadata:map<string,string>,embeddings:array<float>>>"


def files(spark: SparkSession, folder: Path = EXAMPLES, pattern: str = "*.png") -> DataFrame:
    return spark.read.format("binaryFile").option("pathGlobFilter", pattern).load(str(folder)).withColumnRenamed("content", "image")


def collect(df: DataFrame, key: str | Column = "path") -> dict[str, Row]:
    """The one annotation of each row, by its file's name."""
    rows = df.select(F.element_at(F.split(F.col(key) if isinstance(key, str) else key, "/"), -1).alias("name"), "completions").collect()
    assert len(rows) == len({row.name for row in rows})
    assert all(len(row.completions) == 1 for row in rows)
    return {row.name: row.completions[0] for row in rows}


@pytest.fixture(scope="module")
def direct() -> dict[str, dict[str, Any]]:
    rows = [{"id": file.name, "image": str(file)} for file in sorted(EXAMPLES.glob("*.png"))]
    return direct_answers(rows, {"prompt": PROMPT, "sampling": {"temperature": 0}})


def test_answers_are_the_librarys(spark: SparkSession, server: RunningServer, direct: dict[str, dict[str, Any]]) -> None:
    df = annotate(files(spark), prompt=PROMPT, url=server.url, **OPTIONS)
    assert dict(df.dtypes)["completions"] == ANNOTATION
    found = collect(df)
    assert {name: row.result for name, row in found.items()} == {name: each["text"] for name, each in direct.items()}
    for row in found.values():
        assert (row.annotatorType, row.begin, row.end, row.embeddings) == ("document", 0, len(row.result) - 1, [])
        assert row.metadata["finish_reason"] == "stop"
        assert row.metadata["model"] == "medinfer-tiny"
        assert "llamacpp_exception" not in row.metadata


def test_opencv_pixels_gif_and_bmp(spark: SparkSession, server: RunningServer, direct: dict[str, Any], tmp_path: Path) -> None:
    # Spark's reader of images decodes to BGR.
    decoded = spark.read.format("image").load(f"{EXAMPLES}/*.png")
    assert decoded.selectExpr("min(length(image.data) = image.height * image.width * image.nChannels) as all").first() == Row(all=True)
    bgr = collect(annotate(decoded, prompt=PROMPT, url=server.url, **OPTIONS), "image.origin")
    assert {name: row.result for name, row in bgr.items()} == {name: each["text"] for name, each in direct.items()}

    write_as(spark, EXAMPLES / "00000.png", tmp_path / "a.bmp", "bmp")
    write_as(spark, EXAMPLES / "00000.png", tmp_path / "b.gif", "gif")
    write_as(spark, EXAMPLES / "00000.png", tmp_path / "c.jpg", "jpg")
    own = direct_answers(
        [{"id": each.name, "image": str(each)} for each in tmp_path.iterdir()], {"prompt": PROMPT, "sampling": {"temperature": 0}}
    )
    found = collect(annotate(files(spark, tmp_path, "*"), prompt=PROMPT, url=server.url, **OPTIONS))
    assert {name: row.result for name, row in found.items()} == {name: each["text"] for name, each in own.items()}
    assert found["a.bmp"].result == direct["00000.png"]["text"]


def test_rows_that_cannot_be_answered_stay(spark: SparkSession, server: RunningServer) -> None:
    png = bytearray((EXAMPLES / "00000.png").read_bytes())
    rows: list[tuple[str, bytearray | None, str | None]] = [
        ("good", png, PROMPT),
        ("cut", png[:5000], PROMPT),
        ("text", bytearray(b"no picture at all"), PROMPT),
        ("null", None, PROMPT),
        ("empty", bytearray(), PROMPT),
        ("pdf", bytearray(b"%PDF-1.7\n" + bytes(64)), PROMPT),
        ("no prompt", png, None),
        ("long prompt", png, "word " * 9000),
        ("large", png + bytes(25 << 20), PROMPT),
    ]
    df = spark.createDataFrame(rows, "name string, image binary, ask string").coalesce(1)
    found = annotate(df, prompt=F.col("ask"), url=server.url, **OPTIONS).collect()
    assert [row.name for row in found] == [name for name, _, _ in rows]
    by_name = {row.name: row.completions[0] for row in found}
    assert by_name.pop("good").metadata["finish_reason"] == "stop"
    codes = {name: row.metadata["code"] for name, row in by_name.items()}
    # A server that takes documents says something else of the PDF, which is none.
    assert codes.pop("pdf") in ("invalid_value", "invalid_document")
    assert codes == {
        "cut": "invalid_image",
        "text": "invalid_image",
        "null": "invalid_image",
        "empty": "invalid_image",
        "no prompt": "invalid_prompt",
        "long prompt": "context_length_exceeded",
        "large": "body_too_large",
    }
    for name, row in by_name.items():
        assert (row.result, row.begin, row.end) == ("", 0, -1)
        assert row.metadata["llamacpp_exception"].startswith(row.metadata["code"] + ": "), name
        assert "word" not in row.metadata["llamacpp_exception"]


def test_other_columns_come_back_as_they_were(spark: SparkSession, server: RunningServer) -> None:
    # 2^53 + 1 beside a null, and a date that stands for "never": what pandas would change, or refuse.
    image = bytearray((EXAMPLES / "00000.png").read_bytes())
    never = datetime.datetime(9999, 12, 31)
    rows = [(9007199254740993, never, {"a": 1}, [1, None], image), (None, None, None, None, image)]
    df = spark.createDataFrame(rows, "number long, until timestamp, map map<string,int>, list array<int>, image binary").coalesce(1)
    found = annotate(df, prompt=PROMPT, url=server.url, n_predict=2, **OPTIONS)
    assert found.drop("completions").collect() == df.collect()
    assert [row.completions[0].metadata["finish_reason"] for row in found.collect()] == ["length", "length"]


def test_several_images_of_a_row_a_schema_and_probabilities(spark: SparkSession, server: RunningServer) -> None:
    df = files(spark).coalesce(1).groupBy().agg(F.slice(F.collect_list("image"), 1, 2).alias("image"))
    schema = {"type": "object", "properties": {"drug": {"enum": ["aspirin", "metformin"]}}, "required": ["drug"]}
    found = annotate(df, prompt=PROMPT, url=server.url, json_schema=schema, n_probs=2, system_prompt="", **OPTIONS).first()
    assert found is not None
    row = found.completions[0]
    assert json.loads(row.result) in ({"drug": "aspirin"}, {"drug": "metformin"})
    assert row.metadata["logprobs"].startswith('[{"token": ')
    assert int(row.metadata["prompt_tokens"]) > 1500


def test_rows_run_at_once_and_come_as_they_are_done(spark: SparkSession, server: RunningServer, tmp_path: Path) -> None:
    for index in range(24):
        shutil.copy(EXAMPLES / f"{index % 4:05d}.png", tmp_path / f"{index:02d}.png")
    before = server.answered()
    df = annotate(files(spark, tmp_path).coalesce(1), prompt=PROMPT, url=server.url, batch_size=3, **OPTIONS)
    assert len(df.limit(2).collect()) == 2
    # Spark stops reading: nothing far beyond what was wanted has been computed.
    time.sleep(1)
    assert server.answered() - before < 24


def test_what_no_row_escapes_ends_the_job(spark: SparkSession, server: RunningServer) -> None:
    def failure(**changed: Any) -> str:
        given = {"prompt": PROMPT, "url": server.url, "model": "medinfer-tiny", "retries": 0, **changed}
        with pytest.raises(Exception, match="MedinferError") as caught:
            annotate(files(spark), **given).collect()
        return str(caught.value)

    assert "400 invalid_value: engine.chat: sampling.topK must be an integer" in failure(topK=-5)
    assert "404 model_not_found" in failure(model="another")
    assert "no server answers at http://127.0.0.1:9" in failure(url="http://127.0.0.1:9", timeout=1)


def test_a_key(spark: SparkSession, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    keys = tmp_path / "keys.json"
    command = ["node", str(ROOT / "packages/cli/bin/medinfer.js"), "keys", "add", str(keys), "ward-3", "--tenant", "cardiology"]
    key = subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    with serving("--keys", str(keys)) as locked:
        df = files(spark).limit(1)
        given: dict[str, Any] = {"prompt": PROMPT, "url": locked.url, "n_predict": 2}
        assert collect(annotate(df, api_key=key, **given))
        monkeypatch.setenv("MEDINFER_API_KEY", key)
        assert collect(annotate(df, **given))
        with pytest.raises(Exception, match="401"):
            annotate(df, api_key="wrong", model="medinfer-tiny", **given).collect()
    assert key not in repr(Ask("http://x", key, "m", "", {}, 1, 1, 1))
    assert "secret" not in repr(pickle.loads(pickle.dumps(Ask("http://x", "secret", "m", "", {}, 1, 1, 1))))


@pytest.mark.parametrize(
    ("given", "error"),
    [
        ({"image": "path"}, "must be a column of bytes"),
        ({"image": "missing"}, "must be a column of bytes"),
        ({"output": "length"}, "there is a column length already"),
        ({"prompt": ""}, "prompt must not be empty"),
        ({"batch_size": 0}, "batch_size must be"),
        ({"url": "gpu-1:8080"}, "url must be"),
        ({"url": None}, "url is missing"),
        ({"temprature": 1}, "did you mean temperature"),
    ],
)
def test_wrong_arguments(spark: SparkSession, given: dict[str, Any], error: str) -> None:
    with pytest.raises((ValueError, TypeError), match=error):
        annotate(files(spark), **{"prompt": PROMPT, "url": "http://127.0.0.1:9", "model": "m", **given})
