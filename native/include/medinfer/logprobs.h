// How likely tokens were, as reported beside a drawn one.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace medinfer {

struct TokenLogprob {
  std::int32_t token = -1;
  float logprob = 0;  // natural logarithm
  std::string bytes;  // the token as it is written; may be a part of a UTF-8 character
};

// A token of a prompt as it is read, given all before it.
struct PromptLogprob {
  std::int32_t token = -1;  // -1: of an image
  std::string bytes;
  std::optional<float> logprob;   // nothing: before the first token there is none, and images are no tokens to draw
  std::vector<TokenLogprob> top;  // the likeliest in its place, likeliest first
};

// A drawn token, and the likeliest ones beside it, likeliest first.
struct TokenLogprobs {
  std::int32_t token = -1;
  std::string bytes;
  float before = 0;  // the token's own logprob as the model gave it
  float after = 0;   // and among the candidates that the chain left
  std::vector<TokenLogprob> top_before;
  std::vector<TokenLogprob> top_after;  // fewer where the chain left fewer
};

}  // namespace medinfer
