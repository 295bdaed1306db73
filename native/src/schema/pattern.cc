#include "schema/pattern.h"

#include <algorithm>
#include <cctype>
#include <memory>
#include <stdexcept>
#include <string_view>
#include <utility>
#include <vector>

namespace medinfer {
namespace {

using Id = RegexTerms::Id;

constexpr std::size_t kMaxPattern = 4000;  // bytes
constexpr int kMaxDepth = 50;              // groups in groups
constexpr long kMaxCount = 1000000;

struct Unsupported : std::runtime_error {
  using std::runtime_error::runtime_error;
};

const CharSet kDigits({{'0', '9'}});
const CharSet kWord({{'0', '9'}, {'A', 'Z'}, {'_', '_'}, {'a', 'z'}});
const CharSet kSpace({{'\t', '\r'},
                      {' ', ' '},
                      {0xA0, 0xA0},
                      {0x1680, 0x1680},
                      {0x2000, 0x200A},
                      {0x2028, 0x2029},
                      {0x202F, 0x202F},
                      {0x205F, 0x205F},
                      {0x3000, 0x3000},
                      {0xFEFF, 0xFEFF}});
const CharSet kLineEnds({{'\n', '\n'}, {'\r', '\r'}, {0x2028, 0x2029}});

CharSet One(std::uint32_t c) { return CharSet({{c, c}}); }

struct Node {
  enum class Kind : std::uint8_t { kSet, kSequence, kAlternatives, kRepeat, kBegin, kEnd, kAhead, kNotAhead };
  Kind kind = Kind::kSequence;
  CharSet set;
  long least = 1;
  long most = 1;
  std::vector<Node> parts;
  bool asserts = false;  // it looks at more than the characters that it takes
};

class Parser {
 public:
  explicit Parser(const std::string& text) : text_(text) {}

  Node Run() {
    Node node = Alternatives(0);
    if (at_ < text_.size()) throw Unsupported("has a ) without a (: write \\) for the character");
    return node;
  }

 private:
  bool More() const { return at_ < text_.size(); }

  bool Take(std::string_view token) {
    if (!std::string_view(text_).substr(at_).starts_with(token)) return false;
    at_ += token.size();
    return true;
  }

  static Node Of(Node::Kind kind, std::vector<Node> parts) {
    Node node{.kind = kind, .set = {}, .parts = std::move(parts)};
    node.asserts = kind >= Node::Kind::kBegin ||
                   std::any_of(node.parts.begin(), node.parts.end(), [](const Node& part) { return part.asserts; });
    return node;
  }

  static Node OfSet(CharSet set) { return {.kind = Node::Kind::kSet, .set = std::move(set), .parts = {}}; }

  Node Alternatives(int depth) {
    if (depth > kMaxDepth) throw Unsupported("has groups nested too deeply: at most 50");
    std::vector<Node> alternatives;
    do {
      alternatives.push_back(Sequence(depth));
    } while (Take("|"));
    return alternatives.size() == 1 ? std::move(alternatives[0])
                                    : Of(Node::Kind::kAlternatives, std::move(alternatives));
  }

  Node Sequence(int depth) {
    std::vector<Node> items;
    while (More() && text_[at_] != '|' && text_[at_] != ')') {
      Node item = Item(depth);
      items.push_back(Quantified(std::move(item)));
    }
    return Of(Node::Kind::kSequence, std::move(items));
  }

  Node Item(int depth) {
    if (Take("^")) return Of(Node::Kind::kBegin, {});
    if (Take("$")) return Of(Node::Kind::kEnd, {});
    if (Take("(")) return Group(depth);
    if (Take("[")) return OfSet(Class());
    if (Take(".")) return OfSet(kLineEnds.Complement());
    if (const char c = text_[at_]; std::string_view("*+?{").find(c) != std::string_view::npos) {
      throw Unsupported(std::string("has a ") + c + " with nothing to repeat: write \\" + c + " for the character");
    }
    return OfSet(Escapable());
  }

  Node Group(int depth) {
    auto kind = Node::Kind::kSequence;
    if (Take("?=")) {
      kind = Node::Kind::kAhead;
    } else if (Take("?!")) {
      kind = Node::Kind::kNotAhead;
    } else if (Take("?<=") || Take("?<!")) {
      throw Unsupported("has a lookbehind, which is not supported: write it without one");
    } else if (Take("?<")) {
      const std::size_t end = text_.find('>', at_);
      if (end == std::string::npos) throw Unsupported("has a group whose name does not end: write (?<name>…)");
      at_ = end + 1;
    } else if (!Take("?:") && More() && text_[at_] == '?') {
      throw Unsupported("has a group with flags, which is not supported: leave the flags out");
    }
    Node inner = Alternatives(depth + 1);
    if (!Take(")")) throw Unsupported("has a ( without a ): write \\( for the character");
    if (kind == Node::Kind::kSequence) return inner;
    std::vector<Node> parts;
    parts.push_back(std::move(inner));
    return Of(kind, std::move(parts));
  }

  Node Quantified(Node item) {
    long least = 1;
    long most = 1;
    if (Take("*")) {
      least = 0;
      most = RegexTerms::kUnbounded;
    } else if (Take("+")) {
      most = RegexTerms::kUnbounded;
    } else if (Take("?")) {
      least = 0;
    } else if (Take("{")) {
      least = Count();
      most = least;
      if (Take(",")) most = More() && text_[at_] == '}' ? RegexTerms::kUnbounded : Count();
      if (!Take("}")) throw Unsupported("has a { that begins no repetition: write \\{ for the character");
      if (most != RegexTerms::kUnbounded && most < least) {
        throw Unsupported("has a repetition whose maximum is less than its minimum: exchange them");
      }
    } else {
      return item;
    }
    Take("?");  // lazy: a whole text matches alike
    std::vector<Node> parts;
    parts.push_back(std::move(item));
    Node repeat = Of(Node::Kind::kRepeat, std::move(parts));
    repeat.least = least;
    repeat.most = most;
    return repeat;
  }

  long Count() {
    const std::size_t begin = at_;
    long count = 0;
    for (; More() && std::isdigit(static_cast<unsigned char>(text_[at_])) != 0; ++at_) {
      count = count * 10 + (text_[at_] - '0');
      if (count > kMaxCount) throw Unsupported("has a repetition of more than 1000000: make it smaller");
    }
    if (at_ == begin) throw Unsupported("has a { that begins no repetition: write \\{ for the character");
    return count;
  }

  // A character, or a set that stands behind a backslash.
  CharSet Escapable() {
    if (!Take("\\")) return One(NextCodePoint(text_, at_));
    if (!More()) throw Unsupported("ends with a backslash: write \\\\ for the character");
    const char c = text_[at_];
    switch (c) {
      case 'd':
      case 'D':
      case 'w':
      case 'W':
      case 's':
      case 'S': {
        ++at_;
        const CharSet& set = (c | 0x20) == 'd' ? kDigits : (c | 0x20) == 'w' ? kWord : kSpace;
        return std::islower(static_cast<unsigned char>(c)) != 0 ? set : set.Complement();
      }
      case 'n':
        return Control('\n');
      case 'r':
        return Control('\r');
      case 't':
        return Control('\t');
      case 'v':
        return Control('\v');
      case 'f':
        return Control('\f');
      case 'x':
        ++at_;
        return One(Hex(2));
      case 'u':
        ++at_;
        return One(Unicode());
      default:
        break;
    }
    if (c == '0' && (at_ + 1 >= text_.size() || std::isdigit(static_cast<unsigned char>(text_[at_ + 1])) == 0)) {
      return Control('\0');
    }
    if (std::isalnum(static_cast<unsigned char>(c)) != 0) {
      throw Unsupported(std::string("has the escape \\") + c + ", which is not supported: write it without");
    }
    return One(NextCodePoint(text_, at_));
  }

  CharSet Control(char c) {
    ++at_;
    return One(static_cast<unsigned char>(c));
  }

  std::uint32_t Hex(std::size_t digits) {
    std::uint32_t value = 0;
    for (std::size_t i = 0; i < digits; ++i, ++at_) {
      const char digit = More() ? text_[at_] : '\0';
      if (std::isxdigit(static_cast<unsigned char>(digit)) == 0) throw Unsupported("has an escape without its digits");
      value = value * 16 + static_cast<std::uint32_t>(std::isdigit(static_cast<unsigned char>(digit)) != 0
                                                          ? digit - '0'
                                                          : std::tolower(digit) - 'a' + 10);
    }
    return value;
  }

  std::uint32_t Unicode() {
    if (Take("{")) {
      const std::size_t end = text_.find('}', at_);
      if (end == std::string::npos || end == at_ || end - at_ > 6)
        throw Unsupported("has an escape without its digits");
      const std::uint32_t value = Hex(end - at_);
      ++at_;
      if (value > 0x10FFFF) throw Unsupported("has an escape of a character that there is not");
      return value;
    }
    const std::uint32_t value = Hex(4);
    if (value < 0xD800 || value > 0xDBFF || !Take("\\u")) return value;
    const std::uint32_t low = Hex(4);
    if (low < 0xDC00 || low > 0xDFFF) throw Unsupported("has half of a surrogate pair: write the character itself");
    return 0x10000 + ((value - 0xD800) << 10U) + (low - 0xDC00);
  }

  CharSet Class() {
    const bool negated = Take("^");
    CharSet set;
    while (More() && text_[at_] != ']') {
      const CharSet from = ClassItem();
      if (at_ + 1 < text_.size() && text_[at_] == '-' && text_[at_ + 1] != ']') {
        ++at_;
        const CharSet to = ClassItem();
        if (!from.single() || !to.single()) throw Unsupported("has a range between sets: write \\- for the character");
        const std::uint32_t first = from.ranges()[0].first;
        const std::uint32_t last = to.ranges()[0].first;
        if (last < first) throw Unsupported("has a range whose end comes first: exchange them");
        set = set.Union(CharSet({{first, last}}));
      } else {
        set = set.Union(from);
      }
    }
    if (!Take("]")) throw Unsupported("has a [ without a ]: write \\[ for the character");
    return negated ? set.Complement() : set;
  }

  CharSet ClassItem() {
    if (Take("\\b")) return One('\b');
    if (Take("\\-")) return One('-');
    return Escapable();
  }

  const std::string& text_;
  std::size_t at_ = 0;
};

// Whether a place is where the text begins.
enum class Place : std::uint8_t { kBegin, kInside, kEither };

class Translator {
 public:
  explicit Translator(RegexTerms& terms) : terms_(terms) {}

  // The texts from `place` on that begin as `node` says and go on as `rest` says.
  Id Then(const Node& node, Id rest, Place place) {
    if (!node.asserts) return terms_.Concat(Plain(node), rest);
    switch (node.kind) {
      case Node::Kind::kBegin:
        if (place == Place::kEither) throw Unsupported("has a ^ behind what may be empty: put it first");
        return place == Place::kBegin ? rest : terms_.Nothing();
      case Node::Kind::kEnd:
        return terms_.Nullable(rest) ? terms_.Empty() : terms_.Nothing();
      case Node::Kind::kAhead:
        return terms_.And({Then(node.parts[0], terms_.Anything(), place), rest});
      case Node::Kind::kNotAhead:
        return terms_.And({terms_.Not(Then(node.parts[0], terms_.Anything(), place)), rest});
      case Node::Kind::kAlternatives: {
        std::vector<Id> alternatives;
        for (const Node& part : node.parts) alternatives.push_back(Then(part, rest, place));
        return terms_.Or(alternatives);
      }
      case Node::Kind::kSequence:
        return Sequence(node, rest, place);
      default:
        break;
    }
    if (node.most == 1) {
      const Id once = Then(node.parts[0], rest, place);
      return node.least == 1 ? once : terms_.Or({once, rest});
    }
    throw Unsupported("repeats a group that holds ^, $ or a lookahead: take it out of the group");
  }

 private:
  Id Sequence(const Node& node, Id rest, Place place) {
    std::vector<Place> places;
    for (const Node& part : node.parts) {
      places.push_back(place);
      if (part.asserts && part.kind >= Node::Kind::kBegin) continue;  // takes no character
      if (part.asserts) {
        if (place == Place::kBegin) place = Place::kEither;
        continue;
      }
      const Id taken = Plain(part);
      if (!terms_.Nullable(taken)) {
        place = Place::kInside;
      } else if (taken != terms_.Empty() && place == Place::kBegin) {
        place = Place::kEither;
      }
    }
    for (std::size_t i = node.parts.size(); i-- > 0;) rest = Then(node.parts[i], rest, places[i]);
    return rest;
  }

  Id Plain(const Node& node) {
    switch (node.kind) {
      case Node::Kind::kSet:
        return terms_.Set(node.set);
      case Node::Kind::kAlternatives: {
        std::vector<Id> alternatives;
        for (const Node& part : node.parts) alternatives.push_back(Plain(part));
        return terms_.Or(alternatives);
      }
      case Node::Kind::kRepeat:
        return terms_.Repeat(Plain(node.parts[0]), node.least, node.most);
      default: {
        Id sequence = terms_.Empty();
        for (std::size_t i = node.parts.size(); i-- > 0;) sequence = terms_.Concat(Plain(node.parts[i]), sequence);
        return sequence;
      }
    }
  }

  RegexTerms& terms_;
};

}  // namespace

Result<Id> ParsePattern(RegexTerms& terms, const std::string& pattern) {
  const auto wrong = [](const std::string& what) { return Status(Code::kInvalidArgument, what); };
  if (pattern.size() > kMaxPattern) return wrong("is longer than 4000 bytes: make it shorter");
  try {
    const Node node = Parser(pattern).Run();
    Translator translator(terms);
    const Id first = translator.Then(node, terms.Anything(), Place::kBegin);
    const Id later = translator.Then(node, terms.Anything(), Place::kInside);
    const Id before = terms.Concat(terms.Set(CharSet::Texts()), terms.Anything());
    return terms.Or({first, terms.Concat(before, later)});
  } catch (const Unsupported& error) {
    return wrong(error.what());
  }
}

bool Matches(RegexTerms& terms, Id term, const std::string& text) {
  for (std::size_t at = 0; at < text.size();) {
    const std::uint32_t c = NextCodePoint(text, at);
    // A language of ours has no other characters; the user's has, and they are not ours to judge.
    if (!CharSet::Texts().Contains(c)) return false;
    term = terms.Derivative(term, c);
  }
  return terms.Nullable(term);
}

}  // namespace medinfer
