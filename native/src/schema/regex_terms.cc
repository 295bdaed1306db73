#include "schema/regex_terms.h"

#include <algorithm>
#include <set>
#include <utility>

namespace medinfer {
namespace {

constexpr std::size_t kMaxTerms = 300000;
constexpr std::size_t kMaxSteps = 10000000;  // derivatives of parts

}  // namespace

RegexTerms::RegexTerms() {
  nothing_ = Add({.kind = Kind::kNothing, .parts = {}});
  empty_ = Add({.kind = Kind::kEmpty, .nullable = true, .parts = {}});
  anything_ = Star(AddSet(CharSet::Texts()));
}

RegexTerms::Id RegexTerms::Add(Node node) {
  const auto [found, added] =
      ids_.try_emplace(Key{node.kind, node.set, node.least, node.most, node.parts}, static_cast<Id>(nodes_.size()));
  if (added) {
    if (nodes_.size() >= kMaxTerms) throw TooLarge("needs too many rules");
    nodes_.push_back(std::move(node));
  }
  return found->second;
}

RegexTerms::Id RegexTerms::AddSet(const CharSet& set) {
  const auto [found, added] = set_ids_.try_emplace(set, static_cast<std::int32_t>(sets_.size()));
  if (added) sets_.push_back(set);
  return Add({.kind = Kind::kSet, .set = found->second, .parts = {}});
}

RegexTerms::Id RegexTerms::Set(const CharSet& set) {
  const CharSet written = set.Intersection(CharSet::Texts());
  return written.empty() ? nothing_ : AddSet(written);
}

RegexTerms::Id RegexTerms::Literal(const std::string& text) {
  std::vector<std::uint32_t> characters;
  for (std::size_t at = 0; at < text.size();) characters.push_back(NextCodePoint(text, at));
  Id term = empty_;
  for (std::size_t i = characters.size(); i-- > 0;) {
    term = Concat(Set(CharSet({{characters[i], characters[i]}})), term);
  }
  return term;
}

RegexTerms::Id RegexTerms::Concat(Id first, Id second) {
  if (first == nothing_ || second == nothing_) return nothing_;
  if (first == empty_) return second;
  if (second == empty_) return first;
  // To the right, so that (ab)c and a(bc) are one term.
  if (nodes_[first].kind == Kind::kConcat) {
    const std::vector<Id> parts = nodes_[first].parts;
    return Concat(parts[0], Concat(parts[1], second));
  }
  if (first == anything_ && second == anything_) return anything_;
  const bool nullable = Nullable(first) && Nullable(second);
  return Add({.kind = Kind::kConcat, .nullable = nullable, .parts = {first, second}});
}

void RegexTerms::Flatten(Kind kind, const std::vector<Id>& terms, std::vector<Id>& flat) const {
  for (const Id term : terms) {
    if (nodes_[term].kind == kind) {
      flat.insert(flat.end(), nodes_[term].parts.begin(), nodes_[term].parts.end());
    } else {
      flat.push_back(term);
    }
  }
  std::sort(flat.begin(), flat.end());
  flat.erase(std::unique(flat.begin(), flat.end()), flat.end());
}

RegexTerms::Id RegexTerms::Or(const std::vector<Id>& terms) {
  std::vector<Id> flat;
  Flatten(Kind::kOr, terms, flat);
  std::vector<Id> kept;
  CharSet characters;
  for (const Id term : flat) {
    if (term == anything_) return anything_;
    if (term == nothing_) continue;
    if (nodes_[term].kind == Kind::kSet) {
      characters = characters.Union(sets_[nodes_[term].set]);
    } else {
      kept.push_back(term);
    }
  }
  if (!characters.empty()) kept.push_back(AddSet(characters));
  // The empty text beside a term that holds it says nothing.
  const auto nullable = [&](Id term) { return Nullable(term); };
  if (std::count_if(kept.begin(), kept.end(), nullable) > 1) std::erase(kept, empty_);
  if (kept.empty()) return nothing_;
  if (kept.size() == 1) return kept[0];
  std::sort(kept.begin(), kept.end());
  const bool any = std::any_of(kept.begin(), kept.end(), nullable);
  return Add({.kind = Kind::kOr, .nullable = any, .parts = std::move(kept)});
}

std::optional<RegexTerms::Uniform> RegexTerms::UniformOf(Id term) const {
  std::optional<Uniform> all;
  for (bool more = true; more;) {
    more = nodes_[term].kind == Kind::kConcat;
    const Node& part = nodes_[more ? nodes_[term].parts[0] : term];
    if (more) term = nodes_[term].parts[1];
    const bool alone = part.kind == Kind::kSet;
    if (!alone && part.kind != Kind::kStar && part.kind != Kind::kRepeat) return {};
    const Node& inner = alone ? part : nodes_[part.parts[0]];
    if (inner.kind != Kind::kSet) return {};
    const long least = alone ? 1 : part.least;
    const long most = alone ? 1 : part.kind == Kind::kStar ? kUnbounded : part.most;
    if (!all) {
      all = Uniform{sets_[inner.set], least, most};
      continue;
    }
    if (!(all->set == sets_[inner.set])) return {};
    all->least += least;
    all->most = all->most == kUnbounded || most == kUnbounded ? kUnbounded : all->most + most;
  }
  return all;
}

// Several of one kind become one: lengths beside sets of characters need no product.
void RegexTerms::FoldUniform(std::vector<Id>& terms) {
  std::optional<Uniform> folded;
  std::vector<Id> rest;
  int uniform = 0;
  for (const Id term : terms) {
    const auto one = UniformOf(term);
    if (!one) {
      rest.push_back(term);
      continue;
    }
    if (uniform++ == 0) {
      folded = one;
      continue;
    }
    folded->set = folded->set.Intersection(one->set);
    folded->least = std::max(folded->least, one->least);
    if (folded->most == kUnbounded || (one->most != kUnbounded && one->most < folded->most)) folded->most = one->most;
  }
  if (uniform < 2) return;
  const bool none = folded->most != kUnbounded && folded->most < folded->least;
  rest.push_back(none ? nothing_ : Repeat(Set(folded->set), folded->least, folded->most));
  std::sort(rest.begin(), rest.end());
  rest.erase(std::unique(rest.begin(), rest.end()), rest.end());
  terms = std::move(rest);
}

RegexTerms::Id RegexTerms::And(const std::vector<Id>& terms) {
  std::vector<Id> flat;
  Flatten(Kind::kAnd, terms, flat);
  std::erase(flat, anything_);
  FoldUniform(flat);
  if (flat.empty()) return anything_;
  if (flat.size() == 1) return flat[0];
  const bool all = std::all_of(flat.begin(), flat.end(), [&](Id term) { return Nullable(term); });
  if (std::binary_search(flat.begin(), flat.end(), nothing_)) return nothing_;
  if (std::binary_search(flat.begin(), flat.end(), empty_)) return all ? empty_ : nothing_;
  return Add({.kind = Kind::kAnd, .nullable = all, .parts = std::move(flat)});
}

RegexTerms::Id RegexTerms::Not(Id term) {
  if (term == nothing_) return anything_;
  if (term == anything_) return nothing_;
  if (nodes_[term].kind == Kind::kNot) return nodes_[term].parts[0];
  return Add({.kind = Kind::kNot, .nullable = !Nullable(term), .parts = {term}});
}

RegexTerms::Id RegexTerms::Star(Id term) {
  if (term == nothing_ || term == empty_) return empty_;
  if (nodes_[term].kind == Kind::kStar) return term;
  return Add({.kind = Kind::kStar, .nullable = true, .parts = {term}});
}

RegexTerms::Id RegexTerms::Repeat(Id term, long least, long most) {
  if (term == nothing_) return least == 0 ? empty_ : nothing_;
  if (term == empty_ || most == 0) return empty_;
  if (Nullable(term)) least = 0;
  if (least == 1 && most == 1) return term;
  if (most == kUnbounded) return Concat(Repeat(term, least, least), Star(term));
  return Add({.kind = Kind::kRepeat, .nullable = least == 0, .least = least, .most = most, .parts = {term}});
}

RegexTerms::Id RegexTerms::Derivative(Id term, std::uint32_t c) {
  const std::uint64_t step = static_cast<std::uint64_t>(term) << 32U | c;
  if (const auto found = derived_.find(step); found != derived_.end()) return found->second;
  const Node node = nodes_[term];  // a copy: nodes are added below
  steps_ += 1 + node.parts.size();
  if (steps_ > kMaxSteps) throw TooLarge("needs too many rules");
  Id result = nothing_;
  switch (node.kind) {
    case Kind::kNothing:
    case Kind::kEmpty:
      break;
    case Kind::kSet:
      if (sets_[node.set].Contains(c)) result = empty_;
      break;
    case Kind::kConcat:
      result = Concat(Derivative(node.parts[0], c), node.parts[1]);
      if (Nullable(node.parts[0])) result = Or({result, Derivative(node.parts[1], c)});
      break;
    case Kind::kOr:
    case Kind::kAnd: {
      std::vector<Id> parts;
      parts.reserve(node.parts.size());
      for (const Id part : node.parts) parts.push_back(Derivative(part, c));
      result = node.kind == Kind::kOr ? Or(parts) : And(parts);
      break;
    }
    case Kind::kNot:
      result = Not(Derivative(node.parts[0], c));
      break;
    case Kind::kStar:
      result = Concat(Derivative(node.parts[0], c), term);
      break;
    case Kind::kRepeat:
      result = Concat(Derivative(node.parts[0], c), Repeat(node.parts[0], std::max(0L, node.least - 1), node.most - 1));
      break;
  }
  derived_[step] = result;
  return result;
}

std::vector<CharSet> RegexTerms::Classes() const {
  std::set<std::uint32_t> begins;
  for (const CharSet& set : sets_) {
    for (const auto& [from, to] : set.ranges()) {
      begins.insert(from);
      begins.insert(to + 1);
    }
  }
  // Stretches that lie in the same sets are one class. The set of all texts is among the sets.
  std::map<std::vector<bool>, std::vector<CharSet::Range>> classes;
  for (auto begin = begins.begin(); begin != begins.end() && std::next(begin) != begins.end(); ++begin) {
    if (!CharSet::Texts().Contains(*begin)) continue;
    std::vector<bool> in;
    in.reserve(sets_.size());
    for (const CharSet& set : sets_) in.push_back(set.Contains(*begin));
    classes[in].push_back({*begin, *std::next(begin) - 1});
  }
  std::vector<CharSet> result;
  result.reserve(classes.size());
  for (auto& [in, ranges] : classes) result.emplace_back(std::move(ranges));
  return result;
}

}  // namespace medinfer
