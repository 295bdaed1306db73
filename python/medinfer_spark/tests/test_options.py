"""Names of options, against the server's own document of its API."""

from __future__ import annotations

import json
from typing import Any

import pytest
from support import RunningServer

from medinfer_spark.options import REQUEST, SAMPLING, read_schema, request_fields
from medinfer_spark.params import AnswerParams

OWN_ARGUMENTS = {"jsonSchema", "promptLogprobs", "onContextFull", "bestOf", "continueFinalMessage"}
"""Options of a chat that are an argument of annotate, or have no meaning for a row."""


def test_they_are_those_of_the_server(server: RunningServer) -> None:
    document = json.loads(server.get("/openapi.json"))
    chat = document["paths"]["/v1/chat/completions"]["post"]["requestBody"]["content"]["application/json"]["schema"]
    properties: dict[str, Any] = chat["properties"]
    assert set(properties["sampling"]["properties"]) == SAMPLING
    assert set(properties) >= REQUEST
    # What the library takes in camel case, and nothing of OpenAI's.
    own = {name for name in properties if any(letter.isupper() for letter in name)}
    assert own - REQUEST <= OWN_ARGUMENTS


def test_parameters_of_the_annotator_are_options() -> None:
    assert {param.name for param in AnswerParams().params} <= SAMPLING | REQUEST


def test_both_styles() -> None:
    given = {"temperature": 0, "top_k": 20, "minP": 0.1, "n_predict": 5, "stopStrings": ["x"], "seed": None, "n_probs": 0}
    expected = {"nPredict": 5, "stopStrings": ["x"], "sampling": {"temperature": 0, "topK": 20, "minP": 0.1}}
    assert request_fields(given) == expected


def test_probabilities_are_asked_for_where_they_are_shown() -> None:
    assert request_fields({"nProbs": 3}) == {"logprobs": True, "top_logprobs": 3}
    with pytest.raises(ValueError, match="0 to 20"):
        request_fields({"n_probs": 21})


def test_nothing_is_dropped() -> None:
    with pytest.raises(TypeError, match="no option temprature: did you mean temperature"):
        request_fields({"temprature": 0})
    with pytest.raises(TypeError, match="given twice"):
        request_fields({"top_k": 1, "topK": 2})
    with pytest.raises(ValueError, match="JSON object"):
        read_schema("[1]")
