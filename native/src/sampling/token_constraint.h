// What decides which tokens may follow, beside the distribution.
#pragma once

#include <cstdint>

struct llama_token_data_array;

namespace medinfer {

class TokenConstraint {
 public:
  virtual ~TokenConstraint() = default;
  // Sets the logit of every candidate that may not follow to -inf.
  virtual void Apply(llama_token_data_array& candidates) = 0;
  // The token was drawn.
  virtual void Accept(std::int32_t token) = 0;
};

}  // namespace medinfer
