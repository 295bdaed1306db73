// One candidate whose probability behind a prompt is asked for: its tokens are entered one by one, as if they had been
// drawn. Made by the preparing thread; from then on it belongs to the engine thread.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "medinfer/events.h"

namespace medinfer {

class Scoring {
 public:
  // REQUIRES: `tokens` is not empty.
  explicit Scoring(std::vector<std::int32_t> tokens) : tokens_(std::move(tokens)) {}

  // Whether one row of logits is all that it takes.
  bool takes_one_row() const { return tokens_.size() == 1; }
  // Enters the next token. `logits`: a row behind what is entered so far; `normalizer`: the row's. REQUIRES: !done().
  std::int32_t Enter(std::span<const float> logits, double normalizer);
  bool done() const { return logprobs_.size() == tokens_.size(); }

  // Tokens and logprobs. REQUIRES: done().
  Scored Take();

 private:
  std::vector<std::int32_t> tokens_;
  std::vector<float> logprobs_;  // of those that are entered
};

}  // namespace medinfer
