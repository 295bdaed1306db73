// What a smaller model, or a part of the model, thinks comes next.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>

namespace medinfer {

struct Guess {
  std::int32_t token = -1;
  float chance = 0;  // that it is given where it was guessed
};

// Whether one more is worth a pass, behind `guesses` of the ask with that index.
using GoesOnFn = std::function<bool(std::size_t ask, std::span<const Guess> guesses)>;

// The likeliest token. -1: it is none of the first `n_vocab`.
Guess LikeliestGuess(std::span<const float> logits, std::size_t n_vocab);

}  // namespace medinfer
