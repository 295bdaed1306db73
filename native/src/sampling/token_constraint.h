// What may follow, beyond what is likely: a grammar.
#pragma once

#include <cstdint>

struct llama_token_data_array;

namespace medinfer {

class TokenConstraint {
 public:
  virtual ~TokenConstraint() = default;

  // Sets the logits of candidates that may not come next to -infinity. Must not change what may come next: it is
  // called with one candidate, and where that is refused again with all of them.
  virtual void Apply(llama_token_data_array& candidates) = 0;
  // The token was drawn.
  virtual void Accept(std::int32_t token) = 0;
};

}  // namespace medinfer
