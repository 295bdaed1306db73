"""`nlp` of `from johnsnowlabs import nlp, medical`."""

from pyspark.ml import Pipeline, PipelineModel

from medinfer_spark.base import DocumentAssembler, ImageAssembler

__all__ = ["DocumentAssembler", "ImageAssembler", "Pipeline", "PipelineModel"]
