"""What schemathesis checks beside its own: no error repeats a text of the request."""

import json

import schemathesis

#: Shorter ones are words of the answer's own by chance.
SHORTEST = 8


def texts(value):
    """All strings in a JSON value, keys included."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for key, each in value.items():
            yield from texts(key)
            yield from texts(each)
    elif isinstance(value, list):
        for each in value:
            yield from texts(each)


#: What may stand in an error: names of fields and words of the document.
KNOWN: set[str] = set()


#: What a request may be reduced to, so that it reaches the engine: most others are at odds with themselves.
PLAIN = {"model", "messages", "temperature", "max_tokens", "stream", "stop", "n", "seed", "logprobs", "input", "prompt"}


@schemathesis.hook
def before_load_schema(context, raw_schema):
    """Words of the document are known, and models are those that the server has."""
    KNOWN.update(texts(raw_schema))
    for path in raw_schema["paths"].values():
        for operation in path.values():
            content = operation.get("requestBody", {}).get("content", {})
            fields = content.get("application/json", {}).get("schema", {}).get("properties", {})
            if "model" in fields:
                fields["model"] = {"enum": ["medinfer-tiny"]}


@schemathesis.hook
def map_body(context, body):
    """Every second request keeps plain fields alone."""
    if not isinstance(body, dict) or "model" not in body or len(json.dumps(body, default=str)) % 2 == 0:
        return body
    return {key: value for key, value in body.items() if key in PLAIN}


@schemathesis.check
def no_echo(ctx, response, case):
    """An error quotes nothing that was sent."""
    if response.status_code < 400:
        return
    answer = response.text
    for text in texts(case.body if isinstance(case.body, (dict, list, str)) else None):
        if len(text) >= SHORTEST and text not in KNOWN and text in answer:
            raise AssertionError("an error repeats a text of the request")
