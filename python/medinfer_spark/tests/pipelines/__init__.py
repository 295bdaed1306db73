"""Two pipelines as users of Spark NLP write them, with every parameter that they set there."""
