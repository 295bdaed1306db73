#include "grammar/repetitions.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <unordered_map>
#include <utility>

#include "grammar/alternates.h"

namespace medinfer {
namespace {

constexpr std::size_t kMaxAdded = 500000;  // elements

class Rewriter {
 public:
  Rewriter(llama_grammar_rules& rules, const std::vector<bool>& nullable) : rules_(rules), nullable_(nullable) {}

  bool Run() {
    const std::size_t count = rules_.size();
    for (std::size_t i = 0; i < count; ++i) Rewrite(i);
    // Rules without the empty text refer to others like them.
    for (std::size_t i = 0; i < open_.size() && added_ <= kMaxAdded; ++i) {
      Alternates filled;
      for (const Elements& alternate : AlternatesOf(rules_[open_[i].first])) Fill(alternate, filled);
      // Where there is none, a character that no text holds.
      if (filled.empty()) filled.push_back({{LLAMA_GRETYPE_CHAR, 0}});
      rules_[open_[i].second] = RuleOf(filled);
    }
    return added_ <= kMaxAdded;
  }

 private:
  // Those that are added are not.
  bool Nullable(std::uint32_t rule) const { return rule < nullable_.size() && nullable_[rule]; }

  // An alternate that may be empty but for the rule itself, which stands at its end.
  bool RepeatsEmpty(const Elements& alternate, std::size_t rule) const {
    const auto is_self = [&](const llama_grammar_element& element) {
      return IsReference(element) && element.value == rule;
    };
    if (alternate.size() < 2 || !is_self(alternate.back())) return false;
    return std::all_of(alternate.begin(), alternate.end() - 1, [&](const llama_grammar_element& element) {
      return IsReference(element) && Nullable(element.value) && !is_self(element);
    });
  }

  void Rewrite(std::size_t rule) {
    Alternates kept;
    bool changed = false;
    for (const Elements& alternate : AlternatesOf(rules_[rule])) {
      if (!RepeatsEmpty(alternate, rule)) {
        kept.push_back(alternate);
        continue;
      }
      changed = true;
      Alternates filled;
      Fill(Elements(alternate.begin(), alternate.end() - 1), filled);
      for (Elements& each : filled) {
        each.push_back(alternate.back());
        kept.push_back(std::move(each));
      }
    }
    if (changed) rules_[rule] = RuleOf(kept);
  }

  // The texts of a sequence but for the empty one: by the first of its parts that is not empty.
  void Fill(const Elements& sequence, Alternates& out) {
    for (std::size_t i = 0; i < sequence.size() && added_ <= kMaxAdded; ++i) {
      Elements rest(sequence.begin() + static_cast<std::ptrdiff_t>(i), sequence.end());
      added_ += rest.size();
      const bool may_be_empty = IsReference(rest[0]) && Nullable(rest[0].value);
      if (may_be_empty) rest[0].value = Filled(rest[0].value);
      out.push_back(std::move(rest));
      if (!may_be_empty) return;
    }
  }

  std::uint32_t Filled(std::uint32_t rule) {
    const auto [found, added] = filled_.try_emplace(rule, static_cast<std::uint32_t>(rules_.size()));
    if (added) {
      open_.emplace_back(rule, found->second);
      rules_.emplace_back(llama_grammar_rule{{LLAMA_GRETYPE_END, 0}});
    }
    return found->second;
  }

  llama_grammar_rules& rules_;
  const std::vector<bool>& nullable_;  // of the rules that were there before
  std::unordered_map<std::uint32_t, std::uint32_t> filled_;
  std::vector<std::pair<std::uint32_t, std::uint32_t>> open_;  // a rule, and the one for it without the empty text
  std::size_t added_ = 0;
};

}  // namespace

bool RewriteEmptyRepetitions(llama_grammar_rules& rules, const std::vector<bool>& nullable) {
  return Rewriter(rules, nullable).Run();
}

}  // namespace medinfer
