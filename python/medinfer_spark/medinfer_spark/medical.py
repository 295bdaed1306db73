"""`medical` of `from johnsnowlabs import nlp, medical`."""

from medinfer_spark.annotator import MedicalVisionLLM

__all__ = ["MedicalVisionLLM"]
