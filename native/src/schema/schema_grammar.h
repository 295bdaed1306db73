// A schema's grammar in any form of values.
#pragma once

#include <string>

#include "medinfer/status.h"
#include "schema/value_form.h"

namespace medinfer {

// As JsonSchemaToGrammar, with values written in `form`.
Result<std::string> SchemaGrammar(const std::string& schema, const ValueForm& form);

}  // namespace medinfer
