// What makes one completion of the model's logits: the chain that draws, the grammar, the stop strings, and the limits.
// Made by the preparing thread; from then on it belongs to the engine thread.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "grammar/token_constraint.h"
#include "medinfer/events.h"
#include "medinfer/request.h"
#include "prompt/prepared_prompt.h"
#include "sampling/sampler_chain.h"
#include "speculation/drafter.h"
#include "text/stop_matcher.h"
#include "text/token_texts.h"

struct llama_vocab;

namespace medinfer {

class Generation {
 public:
  struct Drawn {
    std::int32_t token = -1;  // -1: no token is possible
    TokenLogprobs logprobs;   // where emits_logprobs(), without the bytes of the tokens
  };

  // `seed`: of this completion. `constraint`: null: none. `n_ctx`: most tokens of prompt and answer. `vocab` outlives
  // it. REQUIRES: ValidateRequest took `request`.
  Generation(const llama_vocab* vocab, const Request& request, std::uint32_t seed,
             std::unique_ptr<TokenConstraint> constraint, std::uint32_t n_ctx);

  // Enters the prompt's text into the histories of the samplers.
  void AcceptPrompt(const PreparedPrompt& prompt);

  // Whether no token is wanted at all.
  bool wants_nothing() const { return n_predict_ == 0; }
  // Whether the likeliest token is not all that it takes from a pass.
  bool needs_logits() const;
  bool emits_logprobs() const { return n_probs_ > 0; }

  // `logits`: one for each token of the vocabulary; overwritten.
  Drawn Draw(std::span<float> logits);
  // Why no token was possible. REQUIRES: complete() is false.
  Status WhyNothing() const;

  // Whether this drawn token ends the answer, and is no part of it: an end of the turn, or a stop token.
  std::optional<FinishReason> EndsWith(std::int32_t token) const;

  // From here on Propose() has something to say. REQUIRES: no token was accepted.
  void DraftWith(std::shared_ptr<const Drafter::Known> known) { drafter_.emplace(std::move(known)); }
  // What may come behind the tokens so far, with `usage` used up: of at most `most` tokens, and never so many that none
  // could be drawn behind them.
  Draft Propose(const Usage& usage, const NextTokens* answers, const Acceptance& acceptance, std::uint32_t most) const;
  // Most tokens of a draft, whoever proposes it.
  std::uint32_t MostDraft(const Usage& usage) const;
  // Null: nothing is proposed.
  Drafter* drafter() { return drafter_ ? &*drafter_ : nullptr; }

  // Enters a drawn token, and returns the text that may be shown now.
  std::vector<Text> Accept(std::int32_t token);
  // The text ends here: returns what was held back. REQUIRES: !stopped().
  std::vector<Text> Flush() { return stops_.Flush(); }

  // Whether the grammar's text is complete, and nothing may follow.
  bool complete() const { return constraint_ != nullptr && constraint_->ended(); }
  // Whether a stop string has appeared.
  bool stopped() const { return stops_.stopped(); }
  // REQUIRES: stopped().
  const std::string& stop_string() const { return stops_.match(); }
  // Why the answer ends with the tokens so far; nothing: it goes on.
  std::optional<FinishReason> FinishAfter(const Usage& usage) const;

  // Of the drawn tokens, EOS included, where the request asks for it.
  double logprob_sum() const { return logprob_sum_; }
  std::uint32_t n_drawn() const { return n_drawn_; }

 private:
  std::uint32_t Left(const Usage& usage) const;
  bool limited_by_context(const Usage& usage) const;

  const llama_vocab* vocab_;
  const std::int32_t n_predict_;
  const std::uint32_t min_tokens_;
  const std::vector<std::int32_t> stop_tokens_;  // ascending
  const std::uint32_t n_probs_;
  const bool sums_logprobs_;
  const std::uint32_t n_ctx_;
  std::unique_ptr<TokenConstraint> constraint_;  // before the chain, which refers to it
  SamplerChain sampler_;
  std::optional<Drafter> drafter_;
  StopMatcher stops_;
  TokenTexts texts_;
  double logprob_sum_ = 0;
  std::uint32_t n_drawn_ = 0;     // tokens in it
  std::uint32_t n_accepted_ = 0;  // tokens of the answer
};

}  // namespace medinfer
