// The grammar of a model's turn, from the parser that llama.cpp's chat sources make for it. They make grammars too,
// which leave most of a tool's schema aside; here each argument is held to its schema.
#pragma once

#include <peg-parser.h>

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "chat/parser_tree.h"
#include "schema/rule_book.h"
#include "schema/tool_schema.h"

namespace medinfer {

struct NamedSchema {
  std::string name;
  ToolSchema schema;
};

class AnswerGrammar {
 public:
  // What is said that is neither reasoning nor a call.
  struct Answer {
    enum class Kind : std::uint8_t { kProse, kNothing, kGrammar };
    Kind kind = Kind::kProse;
    std::string grammar{};  // GBNF, of kGrammar
  };

  // All outlive it.
  AnswerGrammar(RuleBook& book, const common_peg_arena& arena, const std::vector<NamedSchema>& tools,
                const Answer& answer)
      : book_(book), arena_(arena), tree_(arena), tools_(tools), answer_(answer) {}

  // Writes the rules, and returns that of the whole turn, from what the template writes at its beginning on. Throws
  // std::exception where a schema and the format do not go together.
  std::string Root();

 private:
  // What is being written: the call of which tool, and its argument. Follows the parser's order.
  struct Place {
    const NamedSchema* tool = nullptr;
    const ToolSchema::Argument* argument = nullptr;
    auto operator<=>(const Place&) const = default;
  };

  std::string Symbol(common_peg_parser_id id, Place& place);
  std::string Sequence(const std::vector<common_peg_parser_id>& children, Place& place);
  bool Closes(common_peg_parser_id mark, common_peg_parser_id reasoning);
  std::string Choice(const std::vector<common_peg_parser_id>& children, Place& place);
  std::string Repetition(const common_peg_repetition_parser& repetition, Place& place);
  std::optional<std::string> Arguments(common_peg_parser_id repeated, const Place& place);
  std::string Until(const std::vector<std::string>& delimiters);
  std::string Rule(const std::string& name, common_peg_parser_id child, Place& place);
  std::string Schema(const common_peg_schema_parser& schema, const Place& place);
  std::string Tagged(const common_peg_tag_parser& tag, Place& place);
  std::string Generic(const common_peg_gbnf_parser& parser, Place& place);
  std::string RawText(common_peg_parser_id id, const Place& place, bool beside);
  std::string Imported(const std::string& key, const std::string& grammar);
  std::string Space();

  RuleBook& book_;
  const common_peg_arena& arena_;
  ParserTree tree_;
  const std::vector<NamedSchema>& tools_;
  const Answer& answer_;
  struct Written {
    std::string symbol;
    Place after;
  };
  std::map<std::pair<std::string, Place>, Written> rules_;
  std::map<std::string, std::string> imported_;
};

}  // namespace medinfer
