// JSON Schema: any text becomes a grammar that can be followed, or is refused.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>

#include "grammar/rules.h"
#include "medinfer/json_schema.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string schema(reinterpret_cast<const char*>(data), size);
  const auto grammar = medinfer::JsonSchemaToGrammar(schema);
  if (!grammar.ok()) {
    if (grammar.status().code() != medinfer::Code::kInvalidArgument) std::abort();
    return 0;
  }
  if (!medinfer::ParseGrammar(grammar.value(), nullptr).ok()) std::abort();
  return 0;
}
