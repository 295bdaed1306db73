"""Pipelines of Spark NLP, and the classes that they use."""

from __future__ import annotations

import os
import warnings
from pathlib import Path
from types import ModuleType

import pytest
from pipelines import as_bytes, assembled
from pyspark.ml import Pipeline, PipelineModel
from pyspark.sql import SparkSession
from support import EXAMPLES, PROMPT, RunningServer, copy_examples

from medinfer_spark.annotator import MedicalVisionLLM
from medinfer_spark.base import DocumentAssembler, ImageAssembler
from medinfer_spark.utils import vision_llm_preprocessor

NAMES = sorted(file.name for file in EXAMPLES.glob("*.png"))


@pytest.mark.parametrize("pipeline", [assembled, as_bytes])
def test_pipelines_of_spark_nlp_run(
    pipeline: ModuleType,
    spark: SparkSession,
    server: RunningServer,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    folder = tmp_path / "images"
    copy_examples(folder)
    (folder / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\nno picture")
    monkeypatch.setenv("MEDINFER_URL", server.url)
    with pytest.warns(UserWarning, match="nCtx .*nGpuLayers"):
        result = pipeline.run(spark, str(folder))
    name = "reverse(split(image.origin, '/')) as image_name"
    result.selectExpr(name, "completions.result").show(truncate=False)
    shown = capsys.readouterr().out
    for each in NAMES:
        assert f"[{each}, images, " in shown
    assert "Greta Ferreira" in shown
    rows = {row.image_name[0]: row for row in result.selectExpr(name, "completions").collect()}
    assert sorted(rows) == [*NAMES, "broken.png"]
    assert all(row.completions[0].result for each, row in rows.items() if each in NAMES)
    assert rows["broken.png"].completions[0].metadata["llamacpp_exception"].startswith("invalid_image: ")


def stages(server: RunningServer) -> list[DocumentAssembler | ImageAssembler | MedicalVisionLLM]:
    model = MedicalVisionLLM.pretrained("jsl_meds_vlm_3b_q4_v1", url=server.url)
    return [
        DocumentAssembler().setInputCol("prompt"),
        ImageAssembler(),
        model.setTemperature(0).setNPredict(12).setTokenIdBias({5: -1.5}).setStopStrings(["}"]),
    ]


def test_annotations_of_the_assemblers(spark: SparkSession) -> None:
    df = vision_llm_preprocessor(spark, str(EXAMPLES), PROMPT, "prompt")
    df = ImageAssembler().transform(DocumentAssembler().setInputCol("prompt").transform(df))
    row = df.orderBy("path").first()
    assert row is not None
    (document,) = row.document
    assert document.asDict() == {
        "annotatorType": "document",
        "begin": 0,
        "end": len(PROMPT) - 1,
        "result": PROMPT,
        "metadata": {"sentence": "0"},
        "embeddings": [],
    }
    (image,) = row.image_assembler
    assert (image.annotatorType, image.height, image.width, image.nChannels, image.mode) == ("image", 865, 789, 3, 16)
    assert bytes(image.result) == bytes(row.image.data) == (EXAMPLES / "00000.png").read_bytes()


def test_names_of_files_decide_what_is_read(spark: SparkSession, tmp_path: Path) -> None:
    for name in ("a.png", "b.JPG", "c.Bmp", "d.gif", "e.jpeg", "f.pdf", "notes.txt", "scan"):
        (tmp_path / name).write_bytes(b"not decoded")
    read = ImageAssembler.loadImagesAsBytes(spark, str(tmp_path))
    assert sorted(os.path.basename(row.path) for row in read.collect()) == ["a.png", "b.JPG", "c.Bmp", "d.gif", "e.jpeg"]
    assert read.select("image.height", "image.mode").distinct().collect() == [(-1, -1)]
    assert ImageAssembler.loadImagesAsBytes(spark, str(tmp_path), "*").count() == 8


def test_a_pipeline_is_saved_and_loaded(spark: SparkSession, server: RunningServer, tmp_path: Path) -> None:
    df = vision_llm_preprocessor(spark, str(EXAMPLES), PROMPT, "prompt")
    made = Pipeline().setStages(stages(server)).fit(df)
    made.stages[-1].setApiKey("not to be saved")
    made.save(str(tmp_path / "pipeline"))
    saved = "".join(each.read_text() for each in tmp_path.rglob("part-*"))
    assert "tokenIdBias" in saved
    assert "not to be saved" not in saved
    loaded = PipelineModel.load(str(tmp_path / "pipeline"))
    key = "image.origin"
    first = [row.result for row in made.transform(df).orderBy(key).select("completions.result").collect()]
    again = [row.result for row in loaded.transform(df).orderBy(key).select("completions.result").collect()]
    assert first == again
    assert all(result for (result,) in first)


def test_what_the_server_decides_is_told_once(spark: SparkSession, server: RunningServer) -> None:
    df = vision_llm_preprocessor(spark, str(EXAMPLES), PROMPT, "prompt")
    model = stages(server)[-1]
    assert isinstance(model, MedicalVisionLLM)
    df = ImageAssembler().transform(DocumentAssembler().setInputCol("prompt").transform(df))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model.transform(df)
        model.setNGpuLayers(99)
        with pytest.raises(UserWarning, match=r"decided where the server starts, and not sent: nGpuLayers \("):
            model.transform(df)
        model.transform(df)


def test_wrong_columns(spark: SparkSession, server: RunningServer) -> None:
    df = vision_llm_preprocessor(spark, str(EXAMPLES), PROMPT, "prompt")
    model = MedicalVisionLLM.pretrained("m", url=server.url)
    with pytest.raises(ValueError, match="there is no column document"):
        model.transform(df)
    with pytest.raises(ValueError, match="inputCols must be"):
        model.setInputCols("prompt", "image").transform(df)
    with pytest.raises(ValueError, match="infill"):
        model.setInputPrefix("x")


def test_a_null_prompt_is_the_rows_error(spark: SparkSession, server: RunningServer) -> None:
    df = vision_llm_preprocessor(spark, str(EXAMPLES), PROMPT, "prompt").selectExpr("image", "cast(null as string) as prompt")
    found = Pipeline().setStages(stages(server)).fit(df).transform(df).select("completions.metadata").collect()
    assert [row.metadata[0]["code"] for row in found] == ["invalid_prompt"] * 4
