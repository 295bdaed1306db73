#include "medinfer/inspect.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "sampling/candidates.h"
#include "sampling/sampler_chain.h"
#include "sampling/validate_sampling.h"

namespace medinfer {
namespace {

Status Invalid(const char* message) { return {Code::kInvalidArgument, message}; }

Status Validate(const InspectRequest& request) {
  const SamplingParams& s = request.sampling;
  if (request.logits.empty()) return Invalid("there are no logits: give one for each token");
  if (!std::any_of(request.logits.begin(), request.logits.end(), [](float l) { return std::isfinite(l); })) {
    return Invalid("no logit is finite: give one to at least one token");
  }
  if (std::any_of(request.logits.begin(), request.logits.end(), [](float l) { return l > 0 && std::isinf(l); })) {
    return Invalid("a logit is infinite: only minus infinity, for a token that is never drawn, can be");
  }
  if (!s.text_biases.empty()) return Invalid("tokenBias needs a model's vocabulary: name token ids in tokenIdBias");
  if (s.penalty_prompt) return Invalid("penaltyPrompt as a text needs a model's vocabulary: give token ids");
  if (s.dry_multiplier != 0 && s.dry_penalty_last_n != 0 && !s.dry_sequence_breakers.empty()) {
    return Invalid("drySequenceBreakers need a model's vocabulary: set them to [] to look at DRY");
  }
  const auto n_vocab = static_cast<std::uint32_t>(request.logits.size());
  for (const std::int32_t token : request.history) {
    if (token < 0 || static_cast<std::uint32_t>(token) >= n_vocab) {
      return Invalid("history holds a token that has no logit");
    }
  }
  return ValidateSampling(s, n_vocab);
}

InspectedStage Describe(const char* name, std::span<const llama_token_data> candidates) {
  std::vector<llama_token_data> sorted(candidates.begin(), candidates.end());
  llama_token_data_array array{sorted.data(), sorted.size(), -1, false};
  DropImpossible(array);
  SortByLogit(array);
  std::vector<double> p;
  Softmax(array, p);
  InspectedStage stage;
  stage.sampler = name;
  for (std::size_t i = 0; i < array.size; ++i) {
    stage.tokens.push_back(array.data[i].id);
    stage.probabilities.push_back(array.data[i].p);
  }
  return stage;
}

}  // namespace

Result<Inspection> InspectSampling(const InspectRequest& request) {
  if (Status status = Validate(request); !status.ok()) return status;
  SamplerTokens tokens;
  tokens.n_vocab = static_cast<std::int32_t>(request.logits.size());
  tokens.newline = request.newline_token;
  tokens.context = static_cast<std::uint32_t>(std::max<std::size_t>(1, request.history.size()));
  tokens.biases = JoinBiases(request.sampling.token_biases);
  tokens.penalty_prompt = request.sampling.penalty_prompt_tokens;
  if (tokens.penalty_prompt) {
    tokens.context = std::max(tokens.context, static_cast<std::uint32_t>(tokens.penalty_prompt->size()));
  }
  SamplerChain chain(request.sampling, std::move(tokens));
  for (const std::int32_t token : request.history) chain.AcceptPrompt(token);
  Inspection inspection;
  chain.Observe([&inspection](const char* stage, std::span<const llama_token_data> candidates) {
    if (!candidates.empty()) inspection.stages.push_back(Describe(stage, candidates));
  });
  std::vector<float> logits = request.logits;
  inspection.token = chain.Draw(logits);
  if (inspection.token < 0) return Invalid("no token is left to draw: the biases forbid all of them");
  return inspection;
}

}  // namespace medinfer
