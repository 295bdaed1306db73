#include "split/regex_parser.h"

#include <algorithm>
#include <optional>
#include <string>
#include <utility>

namespace medinfer {
namespace {

constexpr int kMaxDepth = 20;              // of groups in groups: bounds the parser's and the compiler's recursion
constexpr std::uint32_t kMaxCount = 1024;  // in {n,m}
constexpr std::u32string_view kClosers = U"*+?{}])^.";  // no symbols outside a class

SymbolSet SetOf(std::u32string_view symbols) {
  SymbolSet set;
  for (const char32_t symbol : symbols) set.Add({symbol, symbol});
  return set;
}

// The set that a letter behind a backslash names, if it names one.
std::optional<SymbolSet> NamedSet(char32_t letter) {
  SymbolSet set;
  switch (letter) {
    case U's':
    case U'S':
      set = SetOf(U" \t\n\v\f\r");
      break;
    case U'd':
    case U'D':
      set.Add({U'0', U'9'});
      break;
    case U'w':
    case U'W':
      set.Add({U'0', U'9'});
      set.Add({U'A', U'Z'});
      set.Add({U'a', U'z'});
      set.Add({U'_', U'_'});
      break;
    default:
      return std::nullopt;
  }
  return letter < U'a' ? set.Complement() : set;
}

RegexNode SymbolNode(SymbolSet set) {
  RegexNode node;
  node.kind = RegexNode::Kind::kSymbol;
  node.set = std::move(set);
  return node;
}

// The set of a node that is one symbol, whatever groups are around it.
std::optional<SymbolSet> SingleSymbol(const RegexNode& node) {
  if (node.kind == RegexNode::Kind::kSymbol) return node.set;
  if (node.kind != RegexNode::Kind::kChoice) return std::nullopt;
  SymbolSet set;
  for (const RegexNode& child : node.children) {
    const std::optional<SymbolSet> one = SingleSymbol(child);
    if (!one) return std::nullopt;
    set.Add(*one);
  }
  return set;
}

class Parser {
 public:
  explicit Parser(std::u32string_view pattern) : rest_(pattern) {}

  RegexNode Parse() {
    RegexNode whole = Choice();
    if (!rest_.empty()) throw UnsupportedRegex("a group is closed that was not opened");
    return whole;
  }

 private:
  bool Take(std::u32string_view text) {
    if (!rest_.starts_with(text)) return false;
    rest_.remove_prefix(text.size());
    return true;
  }

  char32_t Next() {
    if (rest_.empty()) throw UnsupportedRegex("it ends in the middle of something");
    const char32_t symbol = rest_.front();
    rest_.remove_prefix(1);
    return symbol;
  }

  RegexNode Choice() {
    if (++depth_ > kMaxDepth) throw UnsupportedRegex("its groups are nested too deeply");
    RegexNode choice;
    choice.kind = RegexNode::Kind::kChoice;
    do choice.children.push_back(Sequence());
    while (Take(U"|"));
    --depth_;
    return choice.children.size() == 1 ? std::move(choice.children[0]) : choice;
  }

  RegexNode Sequence() {
    RegexNode sequence;
    while (!rest_.empty() && rest_.front() != U'|' && rest_.front() != U')') {
      sequence.children.push_back(Quantified(Atom()));
    }
    return sequence.children.size() == 1 ? std::move(sequence.children[0]) : sequence;
  }

  RegexNode Atom() {
    if (Take(U"(?=")) return Ahead(/*negated=*/false);
    if (Take(U"(?!")) return Ahead(/*negated=*/true);
    if (Take(U"(?:") || Take(U"(")) {
      RegexNode group = Choice();
      if (!Take(U")")) throw UnsupportedRegex("a group is not closed");
      return group;
    }
    if (Take(U"[")) return SymbolNode(Class());
    if (Take(U"$")) {
      RegexNode end;
      end.kind = RegexNode::Kind::kAhead;
      end.set = SymbolSet::All();
      end.negated = true;
      return end;
    }
    if (Take(U"\\")) {
      const char32_t letter = Next();
      if (std::optional<SymbolSet> set = NamedSet(letter)) return SymbolNode(*std::move(set));
      const char32_t symbol = Escaped(letter);
      return SymbolNode({symbol, symbol});
    }
    const char32_t symbol = Next();
    if (kClosers.find(symbol) != std::u32string_view::npos) throw UnsupportedRegex("a symbol has no meaning here");
    return SymbolNode({symbol, symbol});
  }

  RegexNode Ahead(bool negated) {
    std::optional<SymbolSet> set = SingleSymbol(Choice());
    if (!set) throw UnsupportedRegex("it looks further ahead than one symbol");
    if (!Take(U")")) throw UnsupportedRegex("a group is not closed");
    RegexNode ahead;
    ahead.kind = RegexNode::Kind::kAhead;
    ahead.set = *std::move(set);
    ahead.negated = negated;
    return ahead;
  }

  static char32_t Escaped(char32_t letter) {
    switch (letter) {
      case U'n':
        return U'\n';
      case U'r':
        return U'\r';
      case U't':
        return U'\t';
      case U'v':
        return U'\v';
      case U'f':
        return U'\f';
      default:
        break;
    }
    const bool is_word = (letter >= U'0' && letter <= U'9') || (letter >= U'A' && letter <= U'Z') ||
                         (letter >= U'a' && letter <= U'z') || letter > 0x7F;
    if (is_word) throw UnsupportedRegex("a letter behind a backslash has no meaning here");
    return letter;
  }

  // Behind "[".
  SymbolSet Class() {
    const bool negated = Take(U"^");
    SymbolSet set;
    while (!Take(U"]")) {
      const std::optional<char32_t> first = ClassItem(set);
      if (!first) continue;
      if (rest_.size() < 2 || rest_[0] != U'-' || rest_[1] == U']') {
        set.Add({*first, *first});
        continue;
      }
      Next();
      const std::optional<char32_t> last = ClassItem(set);
      if (!last || *last < *first) throw UnsupportedRegex("a range in a class has no end");
      set.Add({*first, *last});
    }
    if (set.ranges().empty()) throw UnsupportedRegex("a class is empty");
    return negated ? set.Complement() : set;
  }

  // One symbol; or nothing, if it was a set, which is added.
  std::optional<char32_t> ClassItem(SymbolSet& set) {
    const char32_t symbol = Next();
    if (symbol == U'[' && !rest_.empty() && SetOf(U":.=").Contains(rest_.front())) {
      throw UnsupportedRegex("a class holds a POSIX class");
    }
    if (symbol != U'\\') return symbol;
    const char32_t letter = Next();
    if (const std::optional<SymbolSet> named = NamedSet(letter)) {
      set.Add(*named);
      return std::nullopt;
    }
    return Escaped(letter);
  }

  RegexNode Quantified(RegexNode atom) {
    RegexNode repeat;
    repeat.kind = RegexNode::Kind::kRepeat;
    repeat.max = RegexNode::kNoLimit;
    if (Take(U"+")) {
      repeat.min = 1;
    } else if (Take(U"?")) {
      repeat.max = 1;
    } else if (Take(U"{")) {
      repeat.min = repeat.max = Count();
      if (Take(U",")) repeat.max = !rest_.empty() && rest_.front() == U'}' ? RegexNode::kNoLimit : Count();
      if (!Take(U"}") || repeat.max < repeat.min) throw UnsupportedRegex("a quantifier is wrong");
    } else if (!Take(U"*")) {
      return atom;
    }
    if (!rest_.empty() && SetOf(U"*+?{").Contains(rest_.front())) {
      throw UnsupportedRegex("a quantifier is not greedy, or has a quantifier");
    }
    if (atom.MatchesEmpty()) throw UnsupportedRegex("something that may be empty is repeated");
    repeat.children.push_back(std::move(atom));
    return repeat;
  }

  std::uint32_t Count() {
    std::uint32_t count = 0;
    bool any = false;
    while (!rest_.empty() && rest_.front() >= U'0' && rest_.front() <= U'9') {
      count = count * 10 + static_cast<std::uint32_t>(Next() - U'0');
      any = true;
      if (count > kMaxCount) throw UnsupportedRegex("a quantifier counts too far");
    }
    if (!any) throw UnsupportedRegex("a quantifier is wrong");
    return count;
  }

  std::u32string_view rest_;
  int depth_ = 0;
};

}  // namespace

bool RegexNode::MatchesEmpty() const {
  const auto matches_empty = [](const RegexNode& node) { return node.MatchesEmpty(); };
  switch (kind) {
    case Kind::kSymbol:
      return false;
    case Kind::kAhead:
      return true;
    case Kind::kSequence:
      return std::ranges::all_of(children, matches_empty);
    case Kind::kChoice:
      return std::ranges::any_of(children, matches_empty);
    case Kind::kRepeat:
      return min == 0 || children[0].MatchesEmpty();
  }
  return false;
}

RegexNode ParseRegex(std::u32string_view pattern) { return Parser(pattern).Parse(); }

}  // namespace medinfer
