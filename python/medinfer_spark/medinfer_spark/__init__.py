"""Images and documents of a Spark DataFrame, read by the models of a medinfer server.

What executors import is this module, without pyspark.ml: Spark NLP's classes are in `medinfer_spark.nlp` and `medinfer_spark.medical`.
"""

from medinfer_spark.frame import annotate

__all__ = ["annotate"]
