#include "schema/automaton_rules.h"

#include <cstddef>
#include <optional>
#include <utility>
#include <vector>

namespace medinfer {
namespace {

constexpr int kMaxInline = 12;  // parentheses in parentheses

struct Escape {
  std::uint32_t character;
  std::string_view text;
};
constexpr Escape kEscapes[] = {{'"', "\\\""}, {'\\', "\\\\"}, {'\n', "\\n"}, {'\r', "\\r"}, {'\t', "\\t"}};

// How a character is written.
std::string Written(std::uint32_t c, Writing writing) {
  if (writing == Writing::kJsonString) {
    for (const Escape& escape : kEscapes) {
      if (escape.character == c) return std::string(escape.text);
    }
  }
  std::string text;
  AppendUtf8(text, c);
  return text;
}

class Writer {
 public:
  Writer(RuleBook& book, std::string_view hint, const Automaton& automaton, Writing writing)
      : book_(book), hint_(hint), states_(automaton.states()), writing_(writing) {
    names_.resize(states_.size());
    entries_.resize(states_.size());
    entries_[0] = 2;  // never inside of another
    for (const Automaton::State& state : states_) {
      for (const Automaton::Edge& edge : state.edges) ++entries_[edge.target];
    }
  }

  std::string Run() {
    // A rule that refers to no other of its own is shared with equal ones.
    Body start = BodyOf(0, 0);
    if (open_.empty()) return book_.Add(hint_, start.text);
    const std::string name = names_[0].empty() ? book_.Reserve(hint_) : names_[0];
    book_.Define(name, start.text);
    names_[0] = name;
    for (std::size_t i = 0; i < open_.size(); ++i) {
      if (open_[i] == 0) continue;
      const std::string body = BodyOf(open_[i], 0).text;
      book_.Define(names_[open_[i]], body);
    }
    return name;
  }

 private:
  struct Body {
    std::string text;
    bool alternatives = false;  // | stands outside of parentheses
  };

  // A sequence of symbols, of which equal ones are counted and literals joined.
  class Sequence {
   public:
    explicit Sequence(RuleBook& book) : book_(book) {}

    void Literal(const std::string& text) {
      FlushSymbol();
      literal_ += text;
    }
    void Symbol(const std::string& symbol) {
      FlushLiteral();
      if (symbol != symbol_) FlushSymbol();
      symbol_ = symbol;
      ++count_;
    }
    void Append(const std::string& part) {
      Flush();
      if (!text_.empty()) text_ += ' ';
      text_ += part;
    }
    bool empty() const { return text_.empty() && literal_.empty() && count_ == 0; }
    std::string Text() {
      Flush();
      return text_;
    }

   private:
    void Flush() {
      FlushLiteral();
      FlushSymbol();
    }
    void FlushLiteral() {
      if (literal_.empty()) return;
      const std::string literal = GbnfLiteral(std::exchange(literal_, {}));
      Append(literal);
    }
    void FlushSymbol() {
      if (count_ == 0) return;
      const long count = std::exchange(count_, 0);
      Append(book_.Repeat(std::exchange(symbol_, {}), count, count));
    }

    RuleBook& book_;
    std::string text_;
    std::string literal_;
    std::string symbol_;
    long count_ = 0;
  };

  void Take(Sequence& sequence, const CharSet& set) {
    if (set.single()) {
      sequence.Literal(Written(set.ranges()[0].first, writing_));
    } else {
      sequence.Symbol(CharSymbol(book_, set, writing_));
    }
  }

  // At most so many characters of one set and then the end.
  std::optional<std::string> Tail(std::size_t state) {
    const CharSet* set = nullptr;
    long count = 0;
    for (;;) {
      const Automaton::State& at = states_[state];
      if (!at.accepting || at.edges.size() > 1) return {};
      if (at.edges.empty()) break;
      const Automaton::Edge& edge = at.edges[0];
      if (set != nullptr && !(edge.set == *set)) return {};
      set = &edge.set;
      if (edge.target == state && count == 0)
        return book_.Repeat(CharSymbol(book_, *set, writing_), 0, RuleBook::kUnbounded);
      if (edge.target == state || entries_[edge.target] > 1) return {};
      ++count;
      state = edge.target;
    }
    if (set == nullptr) return {};
    return book_.Repeat(CharSymbol(book_, *set, writing_), 0, count);
  }

  Body BodyOf(std::size_t state, int depth) {
    Sequence sequence(book_);
    for (;;) {
      const Automaton::State& at = states_[state];
      if (at.edges.empty()) break;
      if (const auto tail = Tail(state)) {
        sequence.Append(*tail);
        break;
      }
      if (at.accepting || at.edges.size() > 1) {
        const std::string alternatives = Alternatives(at, depth);
        if (sequence.empty()) return {alternatives, true};
        sequence.Append("(" + alternatives + ")");
        break;
      }
      Take(sequence, at.edges[0].set);
      state = at.edges[0].target;
      if (entries_[state] > 1) {
        if (!states_[state].edges.empty()) sequence.Append(Rule(state));
        break;
      }
    }
    const std::string text = sequence.Text();
    return {text.empty() ? "\"\"" : text, false};
  }

  std::string Alternatives(const Automaton::State& state, int depth) {
    std::string text = state.accepting ? "\"\"" : "";
    for (const Automaton::Edge& edge : state.edges) {
      if (!text.empty()) text += " | ";
      Sequence sequence(book_);
      Take(sequence, edge.set);
      const bool end = states_[edge.target].edges.empty();
      if (!end && (entries_[edge.target] > 1 || depth >= kMaxInline)) {
        sequence.Append(Rule(edge.target));
      } else if (!end) {
        const Body body = BodyOf(edge.target, depth + 1);
        sequence.Append(body.alternatives ? "(" + body.text + ")" : body.text);
      }
      text += sequence.Text();
    }
    return text;
  }

  std::string Rule(std::size_t state) {
    if (names_[state].empty()) {
      names_[state] = book_.Reserve(hint_);
      open_.push_back(state);
    }
    return names_[state];
  }

  RuleBook& book_;
  std::string hint_;
  const std::vector<Automaton::State>& states_;
  Writing writing_;
  std::vector<std::string> names_;
  std::vector<std::size_t> entries_;  // edges that lead to a state
  std::vector<std::size_t> open_;     // states that get a rule of their own
};

}  // namespace

std::string CharSymbol(RuleBook& book, const CharSet& set, Writing writing) {
  if (writing == Writing::kPlain) return GbnfClass(set);
  std::vector<CharSet::Range> escaped;
  std::string alternatives;
  for (const Escape& escape : kEscapes) {
    if (!set.Contains(escape.character)) continue;
    escaped.push_back({escape.character, escape.character});
    alternatives += " | " + GbnfLiteral(escape.text);
  }
  if (escaped.empty()) return GbnfClass(set);
  const CharSet plain = set.Intersection(CharSet(std::move(escaped)).Complement());
  if (plain.empty()) return book.Add("chars", alternatives.substr(3));
  return book.Add("chars", GbnfClass(plain) + alternatives);
}

std::string AddAutomaton(RuleBook& book, std::string_view hint, const Automaton& automaton, Writing writing) {
  return Writer(book, hint, automaton, writing).Run();
}

}  // namespace medinfer
