#include "medinfer/json_schema.h"

#include <exception>
#include <string>
#include <vector>

#include "grammar/check_grammar.h"
#include "schema/references.h"
#include "schema/schema_grammar.h"
#include "schema/schema_reader.h"

namespace medinfer {
namespace {

constexpr std::size_t kMaxSchema = 16U << 20U;  // bytes
constexpr int kMaxKeys = 10000;                 // of one object: their number squared is what reading it takes
constexpr int kMaxNesting = 200;                // brackets; the JSON library frees and writes values recursively

Status Wrong(const std::string& what) { return {Code::kInvalidArgument, "jsonSchema: " + what}; }

// What the parser would take too long or too deep for; empty: nothing. A key is looked for among the others of its
// object, one by one.
std::string FindExcess(const std::string& text) {
  int depth = 0;
  std::vector<int> keys(kMaxNesting + 2);  // by depth, of the object that is open there
  bool quoted = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (quoted && c == '\\') ++i;
    if (c == '"') quoted = !quoted;
    if (quoted) continue;
    if (c == '{' || c == '[') {
      if (++depth > kMaxNesting) return "is nested too deeply: use at most 200 levels";
      keys[static_cast<std::size_t>(depth)] = 0;
    }
    if ((c == '}' || c == ']') && --depth < 0) return {};  // no JSON
    if (c == ':' && ++keys[static_cast<std::size_t>(depth)] > kMaxKeys) {
      return "has an object of more than " + std::to_string(kMaxKeys) + " keys: leave out those that are not used";
    }
  }
  return {};
}

// A grammar of ours is well-formed; it can still be more than is followed.
Status CheckGrammar(const SchemaReader& reader, const std::string& grammar) {
  if (grammar.size() > kMaxGrammarBytes) {
    return Wrong("#: schema becomes a grammar of more than 4 MiB: use fewer, smaller or simpler schemas in it");
  }
  const auto endless = EndlessRules(grammar);
  if (!endless.ok()) {
    return Wrong(
        "#: schema allows too much at once: use fewer alternatives in anyOf, fewer properties or lower counts");
  }
  if (endless.value().empty()) return {};
  std::string path;
  for (const std::string& rule : endless.value()) {
    if (path.empty()) path = reader.PathOf(rule);
  }
  return Wrong(SchemaError(path.empty() ? "#" : path, "schema",
                           "describes no value that ends, because each holds another one: make a property optional or "
                           "allow null")
                   .what());
}

}  // namespace

Result<std::string> SchemaGrammar(const std::string& schema, const ValueForm& form) {
  if (schema.size() > kMaxSchema) return Wrong("must hold at most 16 MiB");
  if (const std::string excess = FindExcess(schema); !excess.empty()) return Wrong(excess);
  try {
    Json root = Json::parse(schema, nullptr, /*allow_exceptions=*/false);
    if (root.is_discarded()) return Wrong("must be JSON");
    ResolveReferences(root);
    SchemaReader reader(root, form);
    std::string grammar = reader.Read();
    if (Status status = CheckGrammar(reader, grammar); !status.ok()) return status;
    return grammar;
  } catch (const TooLarge& error) {
    return Wrong(SchemaError("#", "pattern", std::string(error.what()) + ": use simpler patterns").what());
  } catch (const std::exception& error) {
    return Wrong(error.what());
  }
}

Result<std::string> JsonSchemaToGrammar(const std::string& schema) { return SchemaGrammar(schema, JsonForm()); }

}  // namespace medinfer
