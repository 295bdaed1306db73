// Proposes how one answer goes on, from what is there already: what the constraint forces, and what followed the same
// tokens in the answer, in its prompt, in a text that the caller expects, and in earlier answers of the same grammar. A
// draft costs time where it is wrong, and never changes the text: every token is drawn from the model's logits all the
// same, and what does not equal the draw is dropped.
//
// Made by the preparing thread; from then on it belongs to the engine thread. Knows no llama.h.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "speculation/acceptance.h"
#include "speculation/next_tokens.h"
#include "text/piece_table.h"

namespace medinfer {

struct Draft {
  std::vector<std::int32_t> tokens;
  std::vector<GuessKind> kinds;  // of each
};

class Drafter {
 public:
  // What all completions of a request have in common.
  struct Known {
    // `n_tokens`: of prompt and expected text together.
    explicit Known(std::size_t n_tokens);

    // The tokens come one after the other, in the prompt or in the expected text.
    void Learn(std::span<const std::int32_t> tokens);

    NextTokens texts;                          // of prompt and expected text
    std::vector<std::int32_t> tail;            // the prompt's last tokens, as far as they are text
    std::shared_ptr<const PieceTable> pieces;  // null: there is no grammar
    std::string memory_key;                    // of earlier answers; empty: none are asked
    std::uint32_t most = 0;                    // tokens of a draft
  };

  explicit Drafter(std::shared_ptr<const Known> known);

  // The token was drawn. `answers`: of the same grammar, which learn it; null: none.
  void Accept(std::int32_t token, NextTokens* answers);
  // What may come next, at most `most` tokens, of which each is the likeliest by `acceptance`. `forced`: the text that
  // has to come.
  Draft Propose(std::string_view forced, const NextTokens* answers, const Acceptance& acceptance,
                std::size_t most) const;

  std::uint32_t most() const { return known_->most; }
  const std::string& memory_key() const { return known_->memory_key; }

 private:
  struct Guess {
    std::int32_t token;
    GuessKind kind;
  };
  std::optional<Guess> GuessBehind(std::span<const std::int32_t> tokens, std::string_view forced,
                                   const NextTokens* answers, const Acceptance& acceptance) const;

  std::shared_ptr<const Known> known_;
  NextTokens own_;                     // of the answer
  std::vector<std::int32_t> history_;  // the prompt's tail, then the answer
};

}  // namespace medinfer
