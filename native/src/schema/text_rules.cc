// Strings.
#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "schema/schema_reader.h"
#include "schema/text_language.h"

namespace medinfer {
namespace {

// States of an automaton that counts characters too, about: a longer maximum is made shorter.
constexpr long kMaxCounted = 4000;

// How long the texts are that an automaton takes.
struct Lengths {
  long least = 0;
  long most = 0;  // RegexTerms::kUnbounded: of any length
};

Lengths LengthsOf(const Automaton& automaton) {
  const auto& states = automaton.states();
  // In order of their distance from the start, the nearest first.
  std::vector<long> nearest(states.size(), -1);
  std::vector<std::size_t> order{0};
  nearest[0] = 0;
  Lengths lengths{-1, 0};
  for (std::size_t i = 0; i < order.size(); ++i) {
    if (lengths.least < 0 && states[order[i]].accepting) lengths.least = nearest[order[i]];
    for (const Automaton::Edge& edge : states[order[i]].edges) {
      if (nearest[edge.target] >= 0) continue;
      nearest[edge.target] = nearest[order[i]] + 1;
      order.push_back(edge.target);
    }
  }
  // A topological order, if there is one.
  std::vector<std::size_t> entries(states.size());
  for (const auto& state : states) {
    for (const Automaton::Edge& edge : state.edges) ++entries[edge.target];
  }
  std::vector<long> farthest(states.size());
  std::vector<std::size_t> ready;
  if (entries[0] == 0) ready.push_back(0);
  std::size_t seen = 0;
  while (!ready.empty()) {
    const std::size_t at = ready.back();
    ready.pop_back();
    ++seen;
    if (states[at].accepting) lengths.most = std::max(lengths.most, farthest[at]);
    for (const Automaton::Edge& edge : states[at].edges) {
      farthest[edge.target] = std::max(farthest[edge.target], farthest[at] + 1);
      if (--entries[edge.target] == 0) ready.push_back(edge.target);
    }
  }
  if (seen < states.size()) lengths.most = RegexTerms::kUnbounded;
  return lengths;
}

bool Exceeds(long length, long most) {
  return most != RegexTerms::kUnbounded && (length == RegexTerms::kUnbounded || length > most);
}

// The maximum that is kept. Each state times each length may be a state, so it can be less than the schema's: not every
// text that is allowed is taken then.
long Longest(const Automaton& automaton, long least, long most) {
  const Lengths lengths = LengthsOf(automaton);
  const long kept = kMaxCounted / static_cast<long>(automaton.states().size());
  if (!Exceeds(lengths.most, most) || most <= kept) return most;
  return std::clamp(kept, std::min(most, std::max(least, lengths.least)), most);
}

}  // namespace

std::string SchemaReader::Text(const Json& normal, const std::string& path, std::string_view hint) {
  const std::string key = "text " + form_->key() + " " + normal.value(kPatterns, Json()).dump() +
                          normal.value(kFormats, Json()).dump() + normal.value("minLength", Json()).dump() +
                          normal.value("maxLength", Json()).dump();
  if (const auto found = known_.find(key); found != known_.end()) return found->second;
  const std::string body = TextBody(normal, path, hint);
  const std::string rule = body.empty() ? book_.Builtin("string") : book_.Add(hint, form_->Text(body));
  known_.emplace(key, rule);
  return rule;
}

// What stands between the quotes; empty: anything may.
std::string SchemaReader::TextBody(const Json& normal, const std::string& path, std::string_view hint) {
  const long least = CountOf(normal, "minLength", 0);
  const long most = CountOf(normal, "maxLength", RegexTerms::kUnbounded);
  if (most != RegexTerms::kUnbounded && most < least) {
    throw NoValue(path, "maxLength", "is less than minLength: exchange them");
  }
  const char* blamed = normal.contains(kPatterns) ? "pattern" : "format";
  try {
    RegexTerms terms;
    const RegexTerms::Id plain = terms.And({TextLanguage(terms, normal, path), form_->Texts(terms)});
    if (plain == terms.Anything()) {
      if (least == 0 && most == RegexTerms::kUnbounded) return {};
      const std::string sized = book_.Repeat(book_.Builtin("char"), least, most);
      return sized.empty() ? "\"\"" : sized;
    }
    const auto sized = [&](long longest) {
      return terms.And({plain, terms.Repeat(terms.Set(CharSet::Texts()), least, longest)});
    };
    if (const auto uniform = terms.UniformOf(sized(most))) {
      const std::string text =
          book_.Repeat(CharSymbol(book_, uniform->set, form_->writing()), uniform->least, uniform->most);
      return text.empty() ? "\"\"" : text;
    }
    const auto fits = [&](const Automaton& automaton) {
      if (automaton.empty()) return true;
      const Lengths lengths = LengthsOf(automaton);
      return lengths.least >= least && !Exceeds(lengths.most, most);
    };
    // A format's shorter texts may do where there are too many, or too long ones.
    const auto shorter = [&] {
      RegexTerms others;
      const RegexTerms::Id bounded = TextLanguage(others, normal, path, /*bounded=*/true);
      return Automaton::OfTerm(others, others.And({bounded, form_->Texts(others)}));
    };
    Automaton automaton;
    try {
      automaton = Automaton::OfTerm(terms, plain);
    } catch (const TooLarge&) {
      if (!normal.contains(kFormats)) throw;
      automaton = shorter();
    }
    if (!fits(automaton)) {
      Automaton bounded = shorter();
      const bool serves = !bounded.empty() && fits(bounded);
      automaton = serves ? std::move(bounded) : Automaton::OfTerm(terms, sized(Longest(automaton, least, most)));
    }
    if (automaton.empty()) {
      throw NoValue(
          path, blamed,
          "matches no text that the keywords beside it allow, or none without control characters: change one of them");
    }
    return Automatic(automaton, form_->writing(), hint);
  } catch (const TooLarge& error) {
    throw SchemaError(path, blamed, std::string(error.what()) + ": use a simpler one, or lower counts and lengths");
  }
}

}  // namespace medinfer
