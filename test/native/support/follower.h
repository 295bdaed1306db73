// Whether texts follow a grammar, by llama.cpp's own state.
#pragma once

#include <gtest/gtest.h>
#include <llama-grammar.h>

#include <algorithm>
#include <memory>
#include <string>
#include <utility>

#include "grammar/rules.h"

namespace medinfer::testing {

class Follower {
 public:
  explicit Follower(const std::string& grammar) {
    auto parsed = ParseGrammar(grammar, nullptr);
    EXPECT_TRUE(parsed.ok()) << grammar << (parsed.ok() ? "" : parsed.status().message());
    if (!parsed.ok()) return;
    GrammarRules& rules = parsed.value();
    entry_ = rules.rules.size();
    rules.rules.push_back({{LLAMA_GRETYPE_CHAR, 1}, {LLAMA_GRETYPE_RULE_REF, rules.root}, {LLAMA_GRETYPE_END, 0}});
    grammar_.reset(new llama_grammar{nullptr, std::move(rules.rules), {}, {}, false, false, "", {}, {}, {}});
  }

  // The text, byte by byte: ASCII.
  bool Takes(const std::string& text) {
    if (grammar_ == nullptr) return false;
    grammar_->stacks = {{grammar_->rules[entry_].data()}};
    llama_grammar_accept(grammar_.get(), 1);
    most_stacks_ = grammar_->stacks.size();
    for (const char c : text) {
      llama_grammar_accept(grammar_.get(), static_cast<unsigned char>(c));
      if (grammar_->stacks.empty()) return false;
      most_stacks_ = std::max(most_stacks_, grammar_->stacks.size());
    }
    for (const auto& stack : grammar_->stacks) {
      if (stack.empty()) return true;
    }
    return false;
  }

  // Places at which the last text stood at once, at most: what following it costs.
  std::size_t most_stacks() const { return most_stacks_; }

 private:
  struct Deleter {
    void operator()(llama_grammar* grammar) const { llama_grammar_free_impl(grammar); }
  };
  std::unique_ptr<llama_grammar, Deleter> grammar_;
  std::size_t entry_ = 0;
  std::size_t most_stacks_ = 0;
};

}  // namespace medinfer::testing
