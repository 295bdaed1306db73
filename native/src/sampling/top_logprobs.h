// The likeliest tokens of a distribution with their logprobs.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "llama.h"
#include "medinfer/logprobs.h"

namespace medinfer {

// Writes the `n` likeliest tokens into `top`, without bytes, and returns the logprob of `token`. Of equal ones the
// lower id comes first.
float TopLogprobs(std::span<const float> logits, std::int32_t token, std::size_t n, std::vector<TokenLogprob>& top);
float TopLogprobs(std::span<const llama_token_data> candidates, std::int32_t token, std::size_t n,
                  std::vector<TokenLogprob>& top);

}  // namespace medinfer
