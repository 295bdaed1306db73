#include "chat/parser_tree.h"

#include <chat-peg-parser.h>

#include <set>
#include <type_traits>

namespace medinfer {

using Builder = common_chat_peg_builder;

template <typename Visit>
bool ParserTree::Any(common_peg_parser_id id, Visit visit) const {
  std::set<common_peg_parser_id> seen;
  std::vector<common_peg_parser_id> open{id};
  while (!open.empty()) {
    const common_peg_parser_id at = open.back();
    open.pop_back();
    if (!seen.insert(at).second) continue;
    if (visit(at)) return true;
    const std::vector<common_peg_parser_id> children = Children(at);
    open.insert(open.end(), children.rbegin(), children.rend());
  }
  return false;
}

common_peg_parser_id ParserTree::Resolved(common_peg_parser_id id) const {
  const auto* reference = As<common_peg_ref_parser>(id);
  return reference == nullptr ? id : arena_.get_rule(reference->name);
}

std::vector<common_peg_parser_id> ParserTree::Children(common_peg_parser_id id) const {
  return std::visit(
      [&](const auto& parser) -> std::vector<common_peg_parser_id> {
        using T = std::decay_t<decltype(parser)>;
        if constexpr (std::is_same_v<T, common_peg_ref_parser>) {
          return {arena_.get_rule(parser.name)};
        } else if constexpr (requires { parser.children; }) {
          return parser.children;
        } else if constexpr (requires { parser.child; } && !std::is_same_v<T, common_peg_and_parser> &&
                             !std::is_same_v<T, common_peg_not_parser>) {
          return {parser.child};
        } else {
          return {};
        }
      },
      arena_.get(id));
}

template <typename Test>
bool ParserTree::Holds(common_peg_parser_id id, std::string_view what, Test test) {
  const auto [found, is_new] = holds_.try_emplace({id, std::string(what)}, false);
  if (is_new) found->second = Any(id, test);
  return found->second;
}

bool ParserTree::Holds(common_peg_parser_id id, std::string_view tag) {
  return Holds(id, tag, [&](common_peg_parser_id at) {
    const auto* tagged = As<common_peg_tag_parser>(at);
    return tagged != nullptr && tagged->tag == tag;
  });
}

bool ParserTree::HoldsSchema(common_peg_parser_id id) {
  return Holds(id, {}, [&](common_peg_parser_id at) { return As<common_peg_schema_parser>(at) != nullptr; });
}

bool ParserTree::Speaks(common_peg_parser_id id) {
  for (const char* tag : {Builder::TOOL_NAME, Builder::TOOL_ARG_NAME, Builder::TOOL_ARG_VALUE,
                          Builder::TOOL_ARG_STRING_VALUE, Builder::TOOL_ARGS}) {
    if (Holds(id, tag)) return true;
  }
  return HoldsSchema(id);
}

std::vector<std::string> ParserTree::Literals(common_peg_parser_id id) const {
  std::vector<std::string> literals;
  Any(id, [&](common_peg_parser_id at) {
    if (const auto* literal = As<common_peg_literal_parser>(at)) literals.push_back(literal->literal);
    return false;
  });
  return literals;
}

std::vector<std::string> ParserTree::ArgumentNames(common_peg_parser_id id) const {
  std::vector<std::string> names;
  Any(id, [&](common_peg_parser_id at) {
    const auto* tagged = As<common_peg_tag_parser>(at);
    if (tagged == nullptr || tagged->tag != Builder::TOOL_ARG_NAME) return false;
    names = Literals(tagged->child);
    return true;
  });
  return names;
}

const std::vector<std::string>* ParserTree::Delimiters(common_peg_parser_id id) const {
  const std::vector<std::string>* delimiters = nullptr;
  Any(id, [&](common_peg_parser_id at) {
    const auto* until = As<common_peg_until_parser>(at);
    if (until != nullptr) delimiters = &until->delimiters;
    return until != nullptr;
  });
  return delimiters;
}

}  // namespace medinfer
