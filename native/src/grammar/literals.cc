#include "grammar/literals.h"

#include <llama-vocab.h>
#include <unicode.h>

#include <bitset>
#include <cstddef>
#include <string>

namespace medinfer {
namespace {

// All literals, a null between two of them.
std::string Literals(const llama_grammar_rules& rules) {
  std::string literals;
  for (const llama_grammar_rule& rule : rules) {
    for (std::size_t i = 0; i < rule.size(); ++i) {
      const bool ends = i + 1 == rule.size();
      // A class of characters goes on with its other ones.
      const bool is_class =
          !ends && (rule[i + 1].type == LLAMA_GRETYPE_CHAR_ALT || rule[i + 1].type == LLAMA_GRETYPE_CHAR_RNG_UPPER);
      if (rule[i].type == LLAMA_GRETYPE_CHAR && !is_class) {
        literals += unicode_cpt_to_utf8(rule[i].value);
      } else {
        literals += '\0';
      }
    }
    literals += '\0';
  }
  return literals;
}

}  // namespace

std::vector<std::int32_t> WrittenControlTokens(const llama_grammar_rules& rules, const llama_vocab& vocab) {
  const std::string literals = Literals(rules);
  std::bitset<256> begins;  // bytes that a literal holds
  for (const char c : literals) begins.set(static_cast<unsigned char>(c));
  std::vector<std::int32_t> written;
  for (std::int32_t token = 0; token < static_cast<std::int32_t>(vocab.n_tokens()); ++token) {
    if (!vocab.is_control(token) || vocab.is_eog(token)) continue;
    const std::string& text = vocab.token_to_piece(token);
    if (text.empty() || !begins.test(static_cast<unsigned char>(text.front()))) continue;
    if (literals.find(text) != std::string::npos) written.push_back(token);
  }
  return written;
}

}  // namespace medinfer
