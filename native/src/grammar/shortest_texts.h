// The shortest text of each rule of a grammar, by Knuth's generalisation of Dijkstra's algorithm (1977): what a text
// that stands somewhere in the grammar needs at least to be complete.
#pragma once

#include <llama-grammar.h>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace medinfer {

class ShortestTexts {
 public:
  explicit ShortestTexts(const llama_grammar_rules& rules);

  // The shortest text that completes the grammar from this place on, UTF-8; nothing: none does, or it takes more than
  // kMost bytes. `rules`: those that the object was made of, or a copy of them, into which the stack points.
  std::optional<std::string> Of(const llama_grammar_rules& rules, const llama_grammar_stack& stack) const;

  static constexpr std::uint64_t kMost = 1U << 20U;

 private:
  // Of the rest of a sequence of elements.
  std::uint64_t Bytes(const llama_grammar_element* place) const;

  struct Shortest {
    std::uint64_t bytes;    // kNever: it has no text, or none that is a text of characters
    std::size_t begin = 0;  // where in the rule the alternative begins
  };

  std::vector<Shortest> of_rules_;
};

}  // namespace medinfer
