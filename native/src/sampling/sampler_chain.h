// Draws the next token of one sequence from its logits: biases -> penalties -> the filters in the request's order ->
// draw. One per sequence, with its own random state, so that a seeded request draws the same tokens whatever else is in
// the batch.
//
// Invariant: no impossible candidate enters a filter (candidates.h), and no filter gets an empty list.
// Not thread-safe: belongs to the engine thread.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <utility>
#include <vector>

#include "grammar/token_constraint.h"
#include "llama.h"
#include "medinfer/logprobs.h"
#include "medinfer/sampling.h"
#include "sampling/chain_stages.h"
#include "sampling/sampler_tokens.h"

namespace medinfer {

class SamplerChain {
 public:
  // Sees what a stage has left; `stage` is its name in the library.
  using Observer = std::function<void(const char* stage, std::span<const llama_token_data> candidates)>;

  // REQUIRES: ValidateSampling took `params`. `constraint`: null where every token may follow every other;
  // outlives the chain.
  SamplerChain(const SamplingParams& params, SamplerTokens tokens, TokenConstraint* constraint = nullptr);
  ~SamplerChain();
  SamplerChain(const SamplerChain&) = delete;
  SamplerChain& operator=(const SamplerChain&) = delete;

  // Enters a token of the prompt into the histories without drawing it.
  void AcceptPrompt(std::int32_t token);

  // Draws a token and enters it into the histories; -1 where none is possible. `logits`: one per token of the
  // vocabulary; overwritten. `logprobs`: gets the `n_probs` likeliest tokens before and after the chain, without their
  // bytes; null: costs nothing.
  std::int32_t Draw(std::span<float> logits, TokenLogprobs* logprobs = nullptr, std::size_t n_probs = 0);

  // Tokens that are not drawn from now on; no probability before the chain changes by it.
  void Forbid(std::vector<std::int32_t> tokens) { forbidden_ = std::move(tokens); }

  // Whether what Draw would return is the likeliest token, and nothing has to be entered: no bias, penalty, filter,
  // constraint or observer.
  bool takes_likeliest() const;

  // From now on every stage is shown. Costs a copy of all candidates.
  void Observe(Observer observer) { observer_ = std::move(observer); }

 private:
  std::int32_t Choose(std::span<const float> logits, bool constrained);
  std::int32_t ChooseGreedy(std::span<const float> logits, bool constrained);
  void Gather(std::span<const float> logits, bool constrained);
  void Filter();
  bool Allows(std::int32_t token);
  void Accept(std::int32_t token);
  void Show(const char* stage) const;
  void ShowLogits(const char* stage, std::span<const float> logits);
  void FillAfter(std::span<const float> logits, TokenLogprobs& logprobs, std::size_t n_probs) const;

  const SamplerTokens tokens_;
  const bool tells_softmax_;  // greedy, with probabilities
  ChainStages stages_;
  TokenConstraint* constraint_;
  Observer observer_;
  std::vector<std::int32_t> forbidden_;
  std::vector<llama_token_data> candidates_;  // of the current draw
  llama_token_data_array array_{};            // the part of it that is left
  std::size_t next_filter_ = 0;               // the first that Gather has not done
  std::vector<float> raw_;                    // scratch of Draw
};

}  // namespace medinfer
