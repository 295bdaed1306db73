#include "chat/answer_grammar.h"

#include <chat-peg-parser.h>

#include <algorithm>
#include <cctype>
#include <exception>
#include <iterator>
#include <stdexcept>
#include <type_traits>
#include <variant>

#include "chat/gemma_form.h"
#include "chat/import_grammar.h"
#include "chat/minimax_form.h"
#include "schema/automaton.h"
#include "schema/automaton_rules.h"
#include "schema/regex_terms.h"

namespace medinfer {
namespace {

using Builder = common_chat_peg_builder;

// What a format's parser means by white space, bounded: a model that may write nothing else can go on for ever.
constexpr const char* kSpace = R"(| " " | "\n" "\n"? [ \t]{0,20})";

// Begins a call where a format has no mark of its own: any brace in prose would be one.
constexpr std::string_view kBareObject = "{";

// The rule of a call's arguments in Gemma 4's dialect.
constexpr std::string_view kGemmaArguments = "gemma4-dict";

// Stands for what must not be written: an alternative to be left out.
constexpr std::string_view kNever = "\x01";

// That of the first of the names which is an argument's; null: none is.
const ToolSchema::Argument* FindArgument(const NamedSchema& tool, const std::vector<std::string>& names) {
  for (const std::string& name : names) {
    if (const ToolSchema::Argument* argument = tool.schema.Find(name)) return argument;
  }
  return nullptr;
}

// What `make` gives; where it fails, the error names the tool.
template <typename Make>
std::string OfTool(const NamedSchema& tool, Make make) {
  try {
    return make();
  } catch (const std::exception& error) {
    throw std::runtime_error("tool \"" + tool.name + "\": jsonSchema: " + error.what());
  }
}

std::string Grouped(const std::string& symbol) { return symbol.empty() ? symbol : "(" + symbol + ")"; }

}  // namespace

std::string AnswerGrammar::Root() {
  Place place;
  const std::string symbol = Symbol(arena_.root(), place);
  return book_.Add("turn", symbol.empty() ? "\"\"" : symbol);
}

// A symbol, a sequence of them or a group; empty: nothing is written.
std::string AnswerGrammar::Symbol(common_peg_parser_id id, Place& place) {
  return std::visit(
      [&](const auto& parser) -> std::string {
        using T = std::decay_t<decltype(parser)>;
        if constexpr (std::is_same_v<T, common_peg_literal_parser>) {
          return parser.literal.empty() ? std::string() : GbnfLiteral(parser.literal);
        } else if constexpr (std::is_same_v<T, common_peg_sequence_parser>) {
          return Sequence(parser.children, place);
        } else if constexpr (std::is_same_v<T, common_peg_choice_parser>) {
          return Choice(parser.children, place);
        } else if constexpr (std::is_same_v<T, common_peg_repetition_parser>) {
          return Repetition(parser, place);
        } else if constexpr (std::is_same_v<T, common_peg_any_parser>) {
          return ".";
        } else if constexpr (std::is_same_v<T, common_peg_space_parser>) {
          return Space();
        } else if constexpr (std::is_same_v<T, common_peg_chars_parser>) {
          return book_.Repeat(parser.pattern, parser.min_count,
                              parser.max_count < 0 ? RuleBook::kUnbounded : parser.max_count);
        } else if constexpr (std::is_same_v<T, common_peg_string_parser>) {
          const std::string quote(1, parser.delimiter);
          return book_.Add(
              "quoted", "([^" + quote + R"(\\\x00-\x1F] | "\\" ([\\/bfnrt)" + quote + R"(] | "u" [0-9a-fA-F]{4}))*)");
        } else if constexpr (std::is_same_v<T, common_peg_until_parser>) {
          return Until(parser.delimiters);
        } else if constexpr (std::is_same_v<T, common_peg_schema_parser>) {
          return Schema(parser, place);
        } else if constexpr (std::is_same_v<T, common_peg_rule_parser>) {
          return Rule(parser.name, parser.child, place);
        } else if constexpr (std::is_same_v<T, common_peg_ref_parser>) {
          return Symbol(arena_.get_rule(parser.name), place);
        } else if constexpr (std::is_same_v<T, common_peg_tag_parser>) {
          return Tagged(parser, place);
        } else if constexpr (std::is_same_v<T, common_peg_gbnf_parser>) {
          return Generic(parser, place);
        } else if constexpr (std::is_same_v<T, common_peg_atomic_parser> || std::is_same_v<T, common_peg_ac_parser>) {
          return Symbol(parser.child, place);
        } else {
          return {};  // the start, the end, nothing, and what is looked ahead for
        }
      },
      arena_.get(id));
}

std::string AnswerGrammar::Sequence(const std::vector<common_peg_parser_id>& children, Place& place) {
  std::string text;
  for (std::size_t i = 0; i < children.size(); ++i) {
    const bool closes = i > 0 && Closes(children[i], children[i - 1]);
    text = InRow(text, Symbol(closes ? tree_.Children(children[i]).front() : children[i], place));
  }
  return text;
}

// Whether it is the mark at the end of reasoning. Where the parser can do without, it takes all that follows for
// reasoning.
bool AnswerGrammar::Closes(common_peg_parser_id mark, common_peg_parser_id reasoning) {
  const auto* optional = tree_.As<common_peg_repetition_parser>(mark);
  if (optional == nullptr || optional->min_count != 0 || optional->max_count != 1) return false;
  const auto* literal = tree_.As<common_peg_literal_parser>(optional->child);
  if (literal == nullptr || !tree_.Holds(reasoning, Builder::REASONING)) return false;
  const std::vector<std::string>* delimiters = tree_.Delimiters(reasoning);
  return delimiters != nullptr && std::ranges::find(*delimiters, literal->literal) != delimiters->end();
}

std::string AnswerGrammar::Choice(const std::vector<common_peg_parser_id>& children, Place& place) {
  std::vector<std::string> alternatives;
  Place after = place;
  for (const common_peg_parser_id child : children) {
    Place inside = place;
    std::string symbol = Symbol(child, inside);
    if (symbol == kNever) continue;
    if (symbol.empty()) symbol = "\"\"";
    after = inside;
    if (std::ranges::find(alternatives, symbol) == alternatives.end()) alternatives.push_back(std::move(symbol));
  }
  // What comes behind a choice is about what every alternative named.
  if (children.size() == 1) place = after;
  if (alternatives.empty()) return {};
  std::string text;
  for (const std::string& alternative : alternatives) text.append(text.empty() ? "" : " | ").append(alternative);
  return alternatives.size() == 1 ? text : Grouped(text);
}

std::string AnswerGrammar::Repetition(const common_peg_repetition_parser& repetition, Place& place) {
  if (repetition.max_count < 0) {
    if (const auto arguments = Arguments(repetition.child, place)) return *arguments;
  }
  Place inside = place;
  const std::string child = Symbol(repetition.child, inside);
  if (child.empty()) return {};
  const std::string item = book_.Add("part", child);
  return book_.Repeat(item, repetition.min_count,
                      repetition.max_count < 0 ? RuleBook::kUnbounded : repetition.max_count);
}

// Arguments that the parser takes in any order and number, some of which are required: those are there, and each once,
// in the schema's order. nullopt: it repeats something else.
std::optional<std::string> AnswerGrammar::Arguments(common_peg_parser_id repeated, const Place& place) {
  if (place.tool == nullptr) return {};
  std::vector<common_peg_parser_id> parts{repeated};
  if (const auto* sequence = tree_.As<common_peg_sequence_parser>(repeated)) parts = sequence->children;
  const auto names = [&](common_peg_parser_id id) { return tree_.Holds(id, Builder::TOOL_ARG_NAME); };
  const auto named = std::ranges::find_if(parts, names);
  if (named == parts.end()) return {};
  const auto apart = [&](common_peg_parser_id id) { return tree_.As<common_peg_space_parser>(id) != nullptr; };
  // With commas between them, the first stands before what repeats.
  if (std::ranges::count_if(parts, apart) + 1 != std::ssize(parts)) return {};
  std::vector<common_peg_parser_id> alternatives{*named};
  if (const auto* choice = tree_.As<common_peg_choice_parser>(tree_.Resolved(*named))) alternatives = choice->children;
  std::set<const ToolSchema::Argument*> arguments;
  bool required = false;
  std::string text;
  for (const common_peg_parser_id alternative : alternatives) {
    const ToolSchema::Argument* argument = FindArgument(*place.tool, tree_.ArgumentNames(alternative));
    if (argument == nullptr || !arguments.insert(argument).second) return {};
    required = required || argument->required;
    std::vector<common_peg_parser_id> one = parts;
    one[static_cast<std::size_t>(named - parts.begin())] = alternative;
    Place inside = place;
    text = InRow(text, Grouped(Sequence(one, inside)));
    if (!argument->required) text += '?';
  }
  if (!required) return {};
  return text;
}

std::string AnswerGrammar::Until(const std::vector<std::string>& delimiters) {
  std::string key = "until";
  for (const std::string& each : delimiters) key.append("\n").append(each);
  if (const auto found = imported_.find(key); found != imported_.end()) return found->second;
  RegexTerms terms;
  std::vector<RegexTerms::Id> forbidden;
  for (const std::string& each : delimiters) {
    forbidden.push_back(terms.Concat(terms.Anything(), terms.Concat(terms.Literal(each), terms.Anything())));
  }
  const RegexTerms::Id allowed = terms.Not(terms.Or(forbidden));
  const std::string rule = AddAutomaton(book_, "prose", Automaton::OfTerm(terms, allowed), Writing::kPlain);
  return imported_.emplace(key, rule).first->second;
}

// Rules in which tools or arguments are named, or which belong to one, are written once for each place.
std::string AnswerGrammar::Rule(const std::string& name, common_peg_parser_id child, Place& place) {
  // What Harmony's models say before a call would be a second answer.
  if (answer_.kind != Answer::Kind::kProse && name == "preamble") return std::string(kNever);
  // Their calls of tools that are not there are read, so that a turn is never lost, and not asked for.
  if (name == "unsolicited") return std::string(kNever);
  if (name == kGemmaArguments && place.tool != nullptr) {
    const ToolSchema& schema = place.tool->schema;
    return Imported("whole " + place.tool->name, OfTool(*place.tool, [&] { return schema.Whole(GemmaForm()); }));
  }
  const std::pair key(name, tree_.Speaks(child) ? place : Place{});
  if (const auto found = rules_.find(key); found != rules_.end()) {
    if (tree_.Speaks(child)) place = found->second.after;
    return found->second.symbol;
  }
  const std::string symbol = book_.Reserve(name);
  rules_[key] = {symbol, place};
  Place inside = place;
  const std::string body = Symbol(child, inside);
  book_.Define(symbol, body.empty() ? "\"\"" : body);
  rules_[key].after = inside;
  if (tree_.Speaks(child)) place = inside;
  return symbol;
}

// A value as JSON. Which schema's: the parser's name for it says so where a call's name comes behind its arguments.
std::string AnswerGrammar::Schema(const common_peg_schema_parser& schema, const Place& place) {
  for (const NamedSchema& tool : tools_) {
    if (schema.name == "tool-" + tool.name + "-schema") return Imported("whole " + tool.name, tool.schema.Whole());
  }
  const NamedSchema* tool = place.tool;
  const ToolSchema::Argument* argument = place.argument;
  // A value inside of an argument that the format writes piece by piece: of its type alone.
  if (tool == nullptr || argument == nullptr) return book_.Builtin("value");
  return Imported("argument " + tool->name + "\n" + argument->name, tool->schema.ValueOf(argument->name));
}

std::string AnswerGrammar::Tagged(const common_peg_tag_parser& tag, Place& place) {
  if (tag.tag == Builder::TOOL_NAME) {
    const std::vector<std::string> names = tree_.Literals(tag.child);
    const auto found = std::ranges::find_if(
        tools_, [&](const NamedSchema& tool) { return std::ranges::find(names, tool.name) != names.end(); });
    if (found != tools_.end()) place = {&*found, nullptr};
    return Symbol(tag.child, place);
  }
  if (tag.tag == Builder::TOOL_ARG_NAME && place.tool != nullptr) {
    // Of an argument inside of another no more is known than the format's parser knows.
    place.argument = FindArgument(*place.tool, tree_.Literals(tag.child));
    return Symbol(tag.child, place);
  }
  if (place.argument != nullptr) {
    using MiniMax = common_chat_peg_minimax_m3_mapper;
    if (tag.tag == MiniMax::TOOL_ARG_OBJECT || tag.tag == MiniMax::TOOL_ARG_ARRAY) {
      return Imported("pieces " + place.tool->name + "\n" + place.argument->name,
                      place.tool->schema.ValueOf(place.argument->name, MiniMaxForm()));
    }
    if (tag.tag == Builder::TOOL_ARG_STRING_VALUE) return RawText(tag.child, place, /*beside=*/false);
    if (tag.tag == Builder::TOOL_ARG_VALUE && !tree_.HoldsSchema(tag.child)) {
      return Imported("argument " + place.tool->name + "\n" + place.argument->name,
                      place.tool->schema.ValueOf(place.argument->name));
    }
  }
  if (tag.tag == Builder::CONTENT) {
    if (answer_.kind == Answer::Kind::kNothing) return {};
    if (answer_.kind == Answer::Kind::kGrammar) return Imported("answer", answer_.grammar);
    const auto* delimiters = tree_.Delimiters(tag.child);
    if (delimiters != nullptr && *delimiters == std::vector<std::string>{std::string(kBareObject)}) {
      return book_.Add("prose", "[^{ \\t\\r\\n] .*") + "?";
    }
  }
  return Symbol(tag.child, place);
}

// A value that may be JSON or a text as it is: the parser takes what looks like JSON for it.
std::string AnswerGrammar::Generic(const common_peg_gbnf_parser& parser, Place& place) {
  if (place.argument == nullptr || !tree_.Holds(parser.child, Builder::TOOL_ARG_STRING_VALUE)) {
    if (!tree_.Speaks(parser.child)) return parser.grammar;
    return Symbol(parser.child, place);
  }
  const auto* delimiters = tree_.Delimiters(parser.child);
  if (delimiters == nullptr || delimiters->size() != 1) throw std::logic_error("an argument without an end");
  const ToolSchema& schema = place.tool->schema;
  const std::string text = RawText(parser.child, place, /*beside=*/true);
  const std::string json = Imported("other " + place.tool->name + "\n" + place.argument->name,
                                    schema.JsonWithoutTextOf(place.argument->name));
  return "(" + json + " | " + text + ") " + GbnfLiteral(delimiters->front());
}

std::string AnswerGrammar::RawText(common_peg_parser_id id, const Place& place, bool beside) {
  const auto* delimiters = tree_.Delimiters(id);
  if (delimiters == nullptr || delimiters->size() != 1) throw std::logic_error("an argument without an end");
  const std::string key = "text " + place.tool->name + "\n" + place.argument->name + "\n" + delimiters->front() +
                          (beside ? "\nbeside" : "");
  if (const auto found = imported_.find(key); found != imported_.end()) return found->second;
  const ToolSchema& schema = place.tool->schema;
  const std::string rule =
      OfTool(*place.tool, [&] { return schema.AddRawText(book_, place.argument->name, delimiters->front(), beside); });
  return imported_.emplace(key, rule).first->second;
}

std::string AnswerGrammar::Imported(const std::string& key, const std::string& grammar) {
  if (const auto found = imported_.find(key); found != imported_.end()) return found->second;
  return imported_.emplace(key, ImportGrammar(book_, grammar)).first->second;
}

std::string AnswerGrammar::Space() { return book_.Add("blank", kSpace); }

}  // namespace medinfer
