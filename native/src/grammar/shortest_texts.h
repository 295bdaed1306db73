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

  // The bytes of the shortest text that completes the grammar from this place on; nothing: none does. `stack`: into the
  // rules that the object was made of, or a copy of them.
  std::optional<std::uint64_t> SizeOf(const llama_grammar_stack& stack) const;
  // A text of that size, UTF-8: `filler` where it may be any character. REQUIRES: there is one, and memory for it;
  // `rules` are those of the stack.
  std::string Of(const llama_grammar_rules& rules, const llama_grammar_stack& stack, char filler) const;

 private:
  // Of the rest of a sequence of elements; kNever: it has no text.
  std::uint64_t Bytes(const llama_grammar_element* place) const;

  struct Shortest {
    std::uint64_t bytes;    // kNever: it has no text, or none that is a text of characters
    std::size_t begin = 0;  // where in the rule the alternative begins
  };

  std::vector<Shortest> of_rules_;
};

}  // namespace medinfer
