// Draws the next token of one sequence from its logits: end-of-generation ban -> repeat penalty -> top-k -> top-p ->
// min-p -> temperature -> draw. One per sequence, with its own random state, so that a seeded request draws the same
// tokens whatever else is in the batch.
// Not thread-safe: belongs to the engine thread.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "medinfer/request.h"
#include "sampling/token_constraint.h"

struct llama_vocab;
struct llama_sampler;
struct llama_token_data;

namespace medinfer {

class SamplerChain {
 public:
  // `context`: the number of tokens that repeat_last_n = -1 means. `ignore_eos`: no end-of-generation token is drawn.
  SamplerChain(const llama_vocab* vocab, const SamplingParams& params, bool ignore_eos, std::uint32_t context);
  ~SamplerChain();

  // Enters a token into the penalty history without drawing it: a token of the prompt.
  void Accept(std::int32_t token) { history_.push_back(token); }

  // Only what the constraint admits is drawn from now on. It outlives the chain.
  void Constrain(TokenConstraint* constraint) { constraint_ = constraint; }

  // Draws a token and enters it into the history; kNoToken where the constraint admits none. `logits`: one per token of
  // the vocabulary; overwritten.
  static constexpr std::int32_t kNoToken = -1;
  std::int32_t Draw(std::span<float> logits);

 private:
  struct SamplerDeleter {
    void operator()(llama_sampler* sampler) const;
  };

  void Penalize(std::span<float> logits);
  std::int32_t DrawFree(std::span<const float> logits);
  std::int32_t DrawConstrained(std::span<const float> logits);

  float repeat_penalty_;
  std::size_t repeat_last_n_;
  std::int32_t exempt_;                                     // token that is never penalized; -1: none
  std::vector<std::int32_t> banned_;                        // tokens that are never drawn
  std::vector<std::int32_t> history_;                       // prompt and drawn tokens, oldest first
  std::vector<bool> penalized_;                             // scratch of Penalize, by token id; all false between calls
  std::unique_ptr<llama_sampler, SamplerDeleter> filters_;  // null: greedy
  std::vector<llama_token_data> candidates_;                // scratch of Draw
  TokenConstraint* constraint_ = nullptr;
};

}  // namespace medinfer
