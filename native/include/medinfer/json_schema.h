// JSON Schema as a grammar for Request::grammar.
#pragma once

#include <string>

#include "medinfer/status.h"

namespace medinfer {

// The GBNF grammar of the JSON texts that a schema describes: each of them satisfies the schema; not every one that
// does is among them. `schema`: JSON. kInvalidArgument where it is no schema, or where it says something that no
// grammar keeps: nothing of a schema is left aside silently. Any thread; needs no model and no backends.
Result<std::string> JsonSchemaToGrammar(const std::string& schema);

}  // namespace medinfer
