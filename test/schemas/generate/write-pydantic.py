"""Clinical types in pydantic, as JSON Schema: types from stdin, schemas to stdout."""

import datetime
import json
import sys
import uuid
from typing import Annotated, Literal, Optional, Union

from pydantic import AnyHttpUrl, BaseModel, ConfigDict, EmailStr, Field, TypeAdapter, create_model
from pydantic.networks import IPv4Address


class Writer:
    """Makes types of one clinical type."""

    def __init__(self, name):
        self.name = name
        self.models = 0

    def write(self, node):
        """The Python type of a node."""
        return getattr(self, "write_" + node["kind"])(node)

    def write_text(self, node):
        return Annotated[str, Field(min_length=node.get("min"), max_length=node.get("max"))]

    def write_email(self, _node):
        return EmailStr

    def write_url(self, _node):
        return AnyHttpUrl

    def write_uuid(self, _node):
        return uuid.UUID

    def write_date(self, _node):
        return datetime.date

    def write_time(self, _node):
        return datetime.time

    def write_dateTime(self, _node):
        return datetime.datetime

    def write_duration(self, _node):
        return datetime.timedelta

    def write_ipv4(self, _node):
        return IPv4Address

    def write_base64(self, _node):
        return Annotated[str, Field(pattern=r"^[A-Za-z0-9+/]*={0,2}$", json_schema_extra={"contentEncoding": "base64"})]

    def write_pattern(self, node):
        return Annotated[str, Field(pattern=node["pattern"], max_length=node.get("max"))]

    def write_integer(self, node):
        return Annotated[int, Field(ge=node.get("min"), le=node.get("max"), multiple_of=node.get("step"))]

    def write_number(self, node):
        return Annotated[
            float,
            Field(ge=node.get("min"), le=node.get("max"), gt=node.get("above"), multiple_of=node.get("step")),
        ]

    def write_flag(self, _node):
        return bool

    def write_enum(self, node):
        return Literal[tuple(node["values"])]

    def write_literal(self, node):
        return Literal[node["value"]]

    def write_list(self, node):
        return Annotated[list[self.write(node["item"])], Field(min_length=node.get("min"), max_length=node.get("max"))]

    def write_set(self, node):
        return set[Literal[tuple(node["values"])]]

    def write_tuple(self, node):
        return tuple[tuple(self.write(item) for item in node["items"])]

    def write_map(self, node):
        keys = Annotated[str, Field(pattern=node["keys"])] if "keys" in node else str
        return dict[keys, self.write(node["value"])]

    def write_record(self, node):
        return dict[Literal[tuple(node["keys"])], self.write(node["value"])]

    def write_object(self, node):
        name = self.name if self.models == 0 else f"{self.name}{self.models}"
        self.models += 1
        fields = {}
        for field, inner in node["fields"].items():
            alias = None
            known = field
            if field in ("class",):
                known, alias = field + "_", field
            written = self.write(inner)
            default = ...
            if inner.get("optional"):
                written, default = Optional[written], None
            if inner["kind"] == "default":
                default = inner["value"]
            fields[known] = (written, Field(default, alias=alias, description=inner.get("description")))
        return create_model(name, __config__=ConfigDict(extra="forbid"), **fields)

    def write_nullable(self, node):
        return Optional[self.write(node["inner"])]

    def write_default(self, node):
        return self.write(node["inner"])

    def write_union(self, node):
        return Union[tuple(self.write(option) for option in node["options"])]

    def write_variant(self, node):
        options = tuple(self.write(option) for option in node["options"])
        return Annotated[Union[options], Field(discriminator=node["key"])]

    def write_both(self, node):
        fields = {}
        for part in node["parts"]:
            fields.update(part["fields"])
        return self.write_object({"fields": fields})

    def write_self(self, _node):
        return self.name


def schema_of(name, node):
    """The JSON Schema of a clinical type."""
    name = name[0].upper() + name[1:]
    made = Writer(name).write(node)
    if isinstance(made, type) and issubclass(made, BaseModel):
        made.model_rebuild(_types_namespace={name: made})
        return made.model_json_schema()
    return TypeAdapter(made).json_schema()


json.dump({name: schema_of(name, node) for name, node in json.load(sys.stdin).items()}, sys.stdout)
