"""A folder by `vision_llm_preprocessor`, with the classes of this package."""

from __future__ import annotations

from pyspark.ml import Pipeline
from pyspark.sql import DataFrame, SparkSession

from medinfer_spark.annotator import MedicalVisionLLM
from medinfer_spark.base import DocumentAssembler, ImageAssembler
from medinfer_spark.utils import vision_llm_preprocessor

from .parameters import PARAMETERS, PROMPT


def run(spark: SparkSession, folder: str) -> DataFrame:
    rows = vision_llm_preprocessor(spark=spark, images_path=folder, prompt=PROMPT, output_col_name="prompt")
    texts = DocumentAssembler().setInputCol("prompt").setOutputCol("document")
    pictures = ImageAssembler().setInputCol("image").setOutputCol("image_assembler")
    model = MedicalVisionLLM.pretrained("jsl_meds_vlm_3b_q4_v1", "en", "clinical/models")
    model = model.setInputCols(["document", "image_assembler"]).setOutputCol("completions")
    for name, value in PARAMETERS.items():
        model = getattr(model, f"set{name}")(value)
    return Pipeline().setStages([texts, pictures, model]).fit(rows).transform(rows)
