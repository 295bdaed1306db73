#include "grammar/nested_stars.h"

#include <algorithm>
#include <cstdint>
#include <map>
#include <optional>
#include <utility>
#include <vector>

#include "grammar/alternates.h"

namespace medinfer {
namespace {

// Deeper chains of rules are left as they are: the search follows them recursively.
constexpr int kMaxDepth = 200;

class Collapser {
 public:
  explicit Collapser(llama_grammar_rules& rules) : rules_(rules), states_(rules.size()) {}

  void Run() {
    for (std::uint32_t rule = 0; rule < states_.size(); ++rule) {
      const std::optional<std::uint32_t> star = StarOf(rule, 0);
      if (star && *star != rule) rules_[rule] = {{LLAMA_GRETYPE_RULE_REF, *star}, {LLAMA_GRETYPE_END, 0}};
    }
  }

 private:
  struct State {
    bool known = false;  // or being looked at: then it is taken for no star
    std::optional<std::uint32_t> star;
  };

  // The rule x* whose texts are those of this one; nothing: there is none, or it was not seen.
  std::optional<std::uint32_t> StarOf(std::uint32_t rule, int depth) {
    State& state = states_[rule];
    if (!state.known && depth < kMaxDepth) {
      state.known = true;
      state.star = FindStar(rule, depth + 1);
    }
    return state.star;
  }

  std::optional<std::uint32_t> FindStar(std::uint32_t rule, int depth) {
    Alternates alternates = AlternatesOf(rules_[rule]);
    const bool may_be_empty = std::erase_if(alternates, [](const Elements& each) { return each.empty(); }) > 0;
    if (alternates.size() != 1) return std::nullopt;
    Elements& only = alternates.front();
    const bool repeats = may_be_empty && only.size() > 1 && IsReference(only.back()) && only.back().value == rule;
    if (repeats) only.pop_back();
    const std::optional<std::uint32_t> inner = StarOf(only, depth);
    if (inner) return inner;
    if (!repeats) return std::nullopt;
    std::vector<std::pair<int, std::uint32_t>> body;
    for (const llama_grammar_element& element : only) body.emplace_back(element.type, element.value);
    return stars_.try_emplace(std::move(body), rule).first->second;
  }

  // The one that all parts of a sequence are: x* x* is x*.
  std::optional<std::uint32_t> StarOf(const Elements& sequence, int depth) {
    std::optional<std::uint32_t> common;
    for (const llama_grammar_element& element : sequence) {
      if (!IsReference(element)) return std::nullopt;
      const std::optional<std::uint32_t> star = StarOf(element.value, depth);
      if (!star || (common && *common != *star)) return std::nullopt;
      common = star;
    }
    return common;
  }

  llama_grammar_rules& rules_;
  std::vector<State> states_;                                                  // by rule
  std::map<std::vector<std::pair<int, std::uint32_t>>, std::uint32_t> stars_;  // by what they repeat, written alike
};

}  // namespace

void CollapseNestedStars(llama_grammar_rules& rules) { Collapser(rules).Run(); }

}  // namespace medinfer
