#include "engine/generation.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "llama.h"
#include "sampling/sampler_tokens.h"

namespace medinfer {
namespace {

// Bytes of a forced text that are looked for at a time: a draft of the most tokens seldom takes more.
constexpr std::size_t kMostForced = 128;

SamplingParams WithSeed(SamplingParams params, std::uint32_t seed) {
  params.seed = seed;
  return params;
}

std::vector<std::int32_t> Sorted(std::vector<std::int32_t> tokens) {
  std::ranges::sort(tokens);
  return tokens;
}

// All that EndsWith() knows.
std::vector<std::int32_t> Ends(const llama_vocab* vocab, std::vector<std::int32_t> stop_tokens) {
  std::ranges::copy(EndOfGenerationTokens(vocab), std::back_inserter(stop_tokens));
  return stop_tokens;
}

}  // namespace

Generation::Generation(const llama_vocab* vocab, const Request& request, std::uint32_t seed,
                       std::unique_ptr<TokenConstraint> constraint, std::uint32_t n_ctx)
    : vocab_(vocab),
      n_predict_(request.n_predict),
      min_tokens_(request.min_tokens),
      stop_tokens_(Sorted(request.stop_tokens)),
      n_probs_(request.n_probs),
      sums_logprobs_(request.sum_logprobs),
      n_ctx_(n_ctx),
      constraint_(std::move(constraint)),
      sampler_(WithSeed(request.sampling, seed), ResolveTokens(vocab, request.sampling, request.ignore_eos, n_ctx),
               constraint_.get()),
      stops_(request.stop_strings),
      texts_(vocab, request.control_texts) {
  if (min_tokens_ > 0) sampler_.Forbid(Ends(vocab, stop_tokens_));
}

void Generation::AcceptPrompt(const PreparedPrompt& prompt) {
  for (const PromptChunk& chunk : prompt.chunks) {
    const auto* text = std::get_if<TextChunk>(&chunk);
    if (text == nullptr) continue;
    for (const std::int32_t token : *text) sampler_.AcceptPrompt(token);
  }
}

bool Generation::needs_logits() const {
  return n_probs_ > 0 || sums_logprobs_ || n_predict_ == 0 || !sampler_.takes_likeliest();
}

Generation::Drawn Generation::Draw(std::span<float> logits) {
  Drawn drawn;
  const bool weighs = n_probs_ > 0 || sums_logprobs_;
  drawn.token = sampler_.Draw(logits, weighs ? &drawn.logprobs : nullptr, n_probs_);
  if (drawn.token >= 0 && sums_logprobs_) {
    logprob_sum_ += drawn.logprobs.before;
    ++n_drawn_;
  }
  return drawn;
}

Status Generation::WhyNothing() const {
  if (constraint_ != nullptr && constraint_->lost()) {
    return {Code::kInvalidArgument,
            "the request's grammar or schema can go on in too many ways here: make it less ambiguous"};
  }
  return {Code::kInvalidArgument, "no token is left to draw: the request's biases or grammar forbid all"};
}

std::optional<FinishReason> Generation::EndsWith(std::int32_t token) const {
  if (llama_vocab_is_eog(vocab_, token)) return FinishReason::kEos;
  if (std::ranges::binary_search(stop_tokens_, token)) return FinishReason::kStop;
  return std::nullopt;
}

// Tokens that may still come.
std::uint32_t Generation::Left(const Usage& usage) const {
  const std::uint32_t used = usage.prompt_tokens + usage.completion_tokens;
  const std::uint32_t room = n_ctx_ > used ? n_ctx_ - used : 0;
  if (n_predict_ < 0) return room;
  const auto most = static_cast<std::uint32_t>(n_predict_);
  return std::min(room, most > usage.completion_tokens ? most - usage.completion_tokens : 0);
}

std::uint32_t Generation::MostDraft(const Usage& usage) const {
  // Behind the draft's last token one more is drawn.
  const std::uint32_t left = Left(usage);
  return drafter_ ? std::min(drafter_->most(), left > 0 ? left - 1 : 0) : 0;
}

Draft Generation::Propose(const Usage& usage, const NextTokens* answers, const Acceptance& acceptance,
                          std::uint32_t most) const {
  most = std::min(most, MostDraft(usage));
  if (most == 0) return {};
  const std::string forced = constraint_ != nullptr ? constraint_->Forced(kMostForced) : std::string();
  return drafter_->Propose(forced, answers, acceptance, most);
}

std::vector<Text> Generation::Accept(std::int32_t token) {
  if (++n_accepted_ == min_tokens_) sampler_.Forbid({});
  const bool writes = constraint_ != nullptr && constraint_->Writes(token);
  const std::string_view text = writes ? texts_.Written(token) : texts_.Of(token);
  return stops_.Push(text, !writes && texts_.IsNamed(token));
}

// Whether the context holds less of the answer than it may have.
bool Generation::limited_by_context(const Usage& usage) const {
  return n_predict_ < 0 || usage.prompt_tokens + static_cast<std::uint32_t>(n_predict_) > n_ctx_;
}

std::optional<FinishReason> Generation::FinishAfter(const Usage& usage) const {
  if (stopped()) return FinishReason::kStop;
  if (complete() && !constraint_->cut()) return FinishReason::kEos;  // also where the end cannot be drawn: ignore_eos
  if (complete()) return limited_by_context(usage) ? FinishReason::kContext : FinishReason::kLength;
  if (n_predict_ > 0 && usage.completion_tokens == static_cast<std::uint32_t>(n_predict_)) return FinishReason::kLength;
  if (usage.prompt_tokens + usage.completion_tokens >= n_ctx_) return FinishReason::kContext;
  return std::nullopt;
}

}  // namespace medinfer
