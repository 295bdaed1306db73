#include "grammar/rules.h"

#include <algorithm>
#include <exception>
#include <string_view>
#include <utility>

#include "base/utf8.h"
#include "grammar/check_grammar.h"
#include "grammar/nested_stars.h"
#include "grammar/repetitions.h"
#include "grammar/scan.h"

namespace medinfer {
namespace {

Status Wrong(const std::string& what) { return {Code::kInvalidArgument, "grammar: " + what}; }

bool EndsAlternate(const llama_grammar_element& element) {
  return element.type == LLAMA_GRETYPE_END || element.type == LLAMA_GRETYPE_ALT;
}

const char* SkipBlanks(const char* at) {
  for (;;) {
    if (*at == '#') {
      while (*at != '\0' && *at != '\n' && *at != '\r') ++at;
    } else if (*at == ' ' || *at == '\t' || *at == '\n' || *at == '\r') {
      ++at;
    } else {
      return at;
    }
  }
}

// The parser's message ends with the rest of the text, from where it went wrong: its place is shorter.
std::string Explained(std::string_view message, std::string_view text, std::size_t rule_begin) {
  const std::size_t at = message.find(" at ");
  if (at != std::string_view::npos) {
    const std::string_view rest = message.substr(at + 4);
    if (text.ends_with(rest)) {
      return std::string(message.substr(0, at)) + " (" + PlaceIn(text, text.size() - rest.size()) + ")";
    }
  }
  return std::string(message.substr(0, 200)) + " (in the rule at " + PlaceIn(text, rule_begin) + ")";
}

std::string NameOf(const llama_grammar_parser& parser, std::size_t rule) {
  for (const auto& [name, id] : parser.symbol_ids) {
    if (id == rule) return name.substr(0, 80);
  }
  return "?";
}

bool IsTokenElement(const llama_grammar_element& element) {
  return element.type == LLAMA_GRETYPE_TOKEN || element.type == LLAMA_GRETYPE_TOKEN_NOT;
}

// Which rules match the empty text. llama.cpp itself sees only those with an alternate that is written empty. With
// `any_text`: which match some text that ends.
std::vector<bool> FindNullable(const llama_grammar_rules& rules, bool any_text = false) {
  struct Alternate {
    std::size_t rule;
    std::size_t missing;  // references that are not known to be nullable yet
  };
  std::vector<Alternate> alternates;
  std::vector<std::vector<std::size_t>> users(rules.size());  // alternates without terminals, by what they refer to
  std::vector<bool> nullable(rules.size());
  std::vector<std::size_t> found;
  const auto mark = [&](std::size_t rule) {
    if (!nullable[rule]) found.push_back(rule);
    nullable[rule] = true;
  };
  for (std::size_t i = 0; i < rules.size(); ++i) {
    std::vector<std::size_t> references;
    bool terminal = false;
    for (const llama_grammar_element& element : rules[i]) {
      if (element.type == LLAMA_GRETYPE_RULE_REF) {
        references.push_back(element.value);
      } else if (!EndsAlternate(element)) {
        terminal = !any_text;
      } else {
        if (!terminal && references.empty()) mark(i);
        if (!terminal && !references.empty()) {
          for (const std::size_t reference : references) users[reference].push_back(alternates.size());
          alternates.push_back({i, references.size()});
        }
        references.clear();
        terminal = false;
      }
    }
  }
  while (!found.empty()) {
    const std::size_t rule = found.back();
    found.pop_back();
    for (const std::size_t user : users[rule]) {
      if (--alternates[user].missing == 0) mark(alternates[user].rule);
    }
  }
  return nullable;
}

// What a text that begins with a rule can begin with.
struct Beginning {
  std::vector<std::size_t> rules;
  std::size_t ways = 0;  // to begin with a character, or to be empty
};

std::vector<Beginning> FindBeginnings(const llama_grammar_rules& rules) {
  const std::vector<bool> nullable = FindNullable(rules);
  std::vector<Beginning> beginnings(rules.size());
  for (std::size_t i = 0; i < rules.size(); ++i) {
    bool at_beginning = true;
    for (const llama_grammar_element& element : rules[i]) {
      if (EndsAlternate(element)) {
        if (at_beginning) ++beginnings[i].ways;
        at_beginning = true;
      } else if (at_beginning && element.type == LLAMA_GRETYPE_RULE_REF) {
        beginnings[i].rules.push_back(element.value);
        at_beginning = nullable[element.value];
      } else if (at_beginning) {
        ++beginnings[i].ways;
        at_beginning = false;
      }
    }
  }
  return beginnings;
}

// Left recursion, seen through rules that may be empty, and rules that open too many ways at once: following either,
// llama.cpp would not come to an end.
Status CheckBeginnings(const llama_grammar_parser& parser) {
  enum class Mark : std::uint8_t { kNew, kOpen, kDone };
  std::vector<Beginning> beginnings = FindBeginnings(parser.rules);
  std::vector<Mark> marks(beginnings.size(), Mark::kNew);
  struct Visit {
    std::size_t rule;
    std::size_t next;
  };
  for (std::size_t start = 0; start < beginnings.size(); ++start) {
    if (marks[start] != Mark::kNew) continue;
    std::vector<Visit> open{{start, 0}};
    marks[start] = Mark::kOpen;
    while (!open.empty()) {
      Visit& visit = open.back();
      Beginning& beginning = beginnings[visit.rule];
      if (visit.next == beginning.rules.size()) {
        for (const std::size_t rule : beginning.rules) {
          beginning.ways = std::min(beginning.ways + beginnings[rule].ways, kMaxStacks + 1);
        }
        if (beginning.ways > kMaxStacks) {
          return Wrong("rule " + NameOf(parser, visit.rule) + " can begin in too many ways: make it less ambiguous");
        }
        marks[visit.rule] = Mark::kDone;
        open.pop_back();
        continue;
      }
      const std::size_t rule = beginning.rules[visit.next++];
      if (marks[rule] == Mark::kOpen) {
        return Wrong("rule " + NameOf(parser, rule) + " begins with itself: left recursion is not supported");
      }
      if (marks[rule] == Mark::kDone) continue;
      marks[rule] = Mark::kOpen;
      open.push_back({rule, 0});
    }
  }
  return {};
}

Status CheckReferences(const llama_grammar_parser& parser) {
  for (const auto& [name, id] : parser.symbol_ids) {
    if (id >= parser.rules.size() || parser.rules[id].empty()) {
      return Wrong("rule " + name.substr(0, 80) + " is used and not defined");
    }
  }
  return {};
}

// A token that there is not would leave none that may follow.
Status CheckTokens(const llama_grammar_rules& rules, const llama_vocab* vocab) {
  if (vocab == nullptr) return {};
  const auto count = static_cast<std::uint32_t>(llama_vocab_n_tokens(vocab));
  for (const llama_grammar_rule& rule : rules) {
    for (const llama_grammar_element& element : rule) {
      if (!IsTokenElement(element) || element.value < count) continue;
      return Wrong("names the token " + std::to_string(element.value) + ": the model has only " +
                   std::to_string(count) + " tokens");
    }
  }
  return {};
}

// What has passed all checks, and can be followed.
Status Parse(const std::string& text, llama_grammar_parser& parser) {
  if (text.size() > kMaxGrammarBytes) return Wrong("must hold at most 4 MiB");
  if (text.find('\0') != std::string::npos) return Wrong("must not hold a null character");
  // llama.cpp reads past the end of an unfinished character.
  if (Utf8Check utf8; !utf8.Push(text) || !utf8.Whole()) return Wrong("must be UTF-8");
  if (Status status = ScanGrammar(text); !status.ok()) return status;
  // Rule by rule, because parser.parse() writes its errors to stderr.
  const char* at = SkipBlanks(text.c_str());
  while (*at != '\0') {
    const char* begin = at;
    try {
      at = parser.parse_rule(at);
    } catch (const std::exception& error) {
      return Wrong(Explained(error.what(), text, static_cast<std::size_t>(begin - text.c_str())));
    }
  }
  if (!parser.symbol_ids.contains("root")) return Wrong("there is no rule \"root\"");
  if (Status status = CheckReferences(parser); !status.ok()) return status;
  CollapseNestedStars(parser.rules);
  if (!RewriteEmptyRepetitions(parser.rules, FindNullable(parser.rules))) {
    return Wrong("repeats what may be empty in too many ways: write the repeated part so that it is never empty");
  }
  return CheckBeginnings(parser);
}

}  // namespace

Result<GrammarRules> ParseGrammar(const std::string& text, const llama_vocab* vocab) {
  llama_grammar_parser parser(vocab);
  if (Status status = Parse(text, parser); !status.ok()) return status;
  if (Status status = CheckTokens(parser.rules, vocab); !status.ok()) return status;
  GrammarRules rules;
  rules.root = parser.symbol_ids.at("root");
  for (const llama_grammar_rule& rule : parser.rules) {
    rules.has_tokens |= std::any_of(rule.begin(), rule.end(), IsTokenElement);
  }
  rules.rules = std::move(parser.rules);
  return rules;
}

Result<std::vector<std::string>> EndlessRules(const std::string& text) {
  llama_grammar_parser parser(nullptr);
  if (Status status = Parse(text, parser); !status.ok()) return status;
  const std::vector<bool> ending = FindNullable(parser.rules, /*any_text=*/true);
  std::vector<std::string> names;
  for (const auto& [name, id] : parser.symbol_ids) {
    if (!ending[id]) names.push_back(name);
  }
  return names;
}

}  // namespace medinfer
