// Regular languages as terms, with intersection and complement, and their Brzozowski derivatives: what may follow a
// character. Equal terms are one term, so that derivatives of a language are finitely many.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <stdexcept>
#include <tuple>
#include <unordered_map>
#include <vector>

#include "text/char_set.h"

namespace medinfer {

// A language grew beyond what is followed.
struct TooLarge : std::runtime_error {
  using std::runtime_error::runtime_error;
};

class RegexTerms {
 public:
  using Id = std::int32_t;
  static constexpr long kUnbounded = -1;

  RegexTerms();

  Id Nothing() const { return nothing_; }    // no text at all
  Id Empty() const { return empty_; }        // the empty text alone
  Id Anything() const { return anything_; }  // every text
  Id Set(const CharSet& set);
  Id Literal(const std::string& text);
  Id Concat(Id first, Id second);
  Id Or(const std::vector<Id>& terms);
  Id And(const std::vector<Id>& terms);
  Id Not(Id term);
  Id Star(Id term);
  // `most`: kUnbounded, or not below `least`.
  Id Repeat(Id term, long least, long most);

  bool Nullable(Id term) const { return nodes_[term].nullable; }
  // What may follow `c`. Throws TooLarge.
  Id Derivative(Id term, std::uint32_t c);

  // A number of characters of one set: what has no need of an automaton.
  struct Uniform {
    CharSet set;
    long least = 0;
    long most = kUnbounded;
  };
  std::optional<Uniform> UniformOf(Id term) const;

  // The characters of all terms in classes, of which each term sees only whole ones.
  std::vector<CharSet> Classes() const;

 private:
  enum class Kind : std::uint8_t { kNothing, kEmpty, kSet, kConcat, kOr, kAnd, kNot, kStar, kRepeat };
  struct Node {
    Kind kind;
    bool nullable = false;
    std::int32_t set = -1;
    long least = 0;
    long most = 0;
    std::vector<Id> parts;
  };
  using Key = std::tuple<Kind, std::int32_t, long, long, std::vector<Id>>;

  Id Add(Node node);
  Id AddSet(const CharSet& set);
  void FoldUniform(std::vector<Id>& terms);
  void Flatten(Kind kind, const std::vector<Id>& terms, std::vector<Id>& flat) const;

  std::vector<Node> nodes_;
  std::map<Key, Id> ids_;
  std::vector<CharSet> sets_;
  std::map<CharSet, std::int32_t> set_ids_;
  std::unordered_map<std::uint64_t, Id> derived_;  // by term and character
  std::size_t steps_ = 0;
  Id nothing_ = 0;
  Id empty_ = 0;
  Id anything_ = 0;
};

}  // namespace medinfer
