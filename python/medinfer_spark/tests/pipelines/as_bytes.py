"""A folder by `loadImagesAsBytes`, with the names of johnsnowlabs: `nlp` and `medical`."""

from __future__ import annotations

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql.functions import lit

from medinfer_spark import medical, nlp

from .parameters import PARAMETERS, PROMPT


def run(spark: SparkSession, folder: str) -> DataFrame:
    rows = nlp.ImageAssembler.loadImagesAsBytes(spark, folder).withColumn("caption", lit(PROMPT))
    model = medical.MedicalVisionLLM.pretrained("jsl_meds_vlm_3b_q4_v1", "en", "clinical/models")
    for name, value in PARAMETERS.items():
        model = getattr(model, f"set{name}")(value)
    stages = [
        nlp.DocumentAssembler().setInputCol("caption").setOutputCol("caption_document"),
        nlp.ImageAssembler().setInputCol("image").setOutputCol("image_assembler"),
        model.setInputCols(["caption_document", "image_assembler"]).setOutputCol("completions"),
    ]
    return nlp.Pipeline().setStages(stages).fit(rows).transform(rows)
