// What shapes the distribution a token is drawn from. Plain data. Names, ranges and meaning: docs of `Sampling` in
// lib/sampling/types.ts; the semantics are those of llama.cpp b3534, the engine of the names' origin.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace medinfer {

enum class SamplerKind : std::uint8_t {
  kPenalties,
  kDry,
  kTopNSigma,
  kTopK,
  kTfsZ,
  kTypicalP,
  kTopP,
  kMinP,
  kXtc,
  kTemperature,
  kAdaptiveP,  // draws the token itself, so it can only be the last
};

enum class MiroStat : std::uint8_t { kDisabled, kV1, kV2 };

// Added to a token's logit; -infinity: the token is never drawn.
struct TokenBias {
  std::int32_t token = 0;
  float bias = 0;
};

// The same for each token of a text.
struct TextBias {
  std::string text;
  float bias = 0;
};

struct SamplingParams {
  float temperature = 0.8F;         // <= 0: greedy; < 0: greedy, and its probabilities can be reported
  float dynatemp_range = 0;         // temperature +- range by entropy; 0: off
  float dynatemp_exponent = 1;      //
  std::int32_t top_k = 40;          // <= 0: off
  float top_p = 0.95F;              // >= 1: off
  float min_p = 0.05F;              // <= 0: off
  float tfs_z = 1;                  // >= 1: off
  float typical_p = 1;              // >= 1: off
  float top_n_sigma = -1;           // <= 0: off
  std::int32_t min_keep = 0;        // filters keep at least max(1, min_keep) candidates
  std::int32_t repeat_last_n = 64;  // tokens that are penalized; 0: off, -1: the whole context
  float repeat_penalty = 1;         // 1: off; REQUIRES > 0
  float frequency_penalty = 0;      // 0: off
  float presence_penalty = 0;       // 0: off
  bool penalize_nl = false;         // false: the newline token is exempt from penalties
  float dry_multiplier = 0;         // 0: off
  float dry_base = 1.75F;           // REQUIRES >= 1
  std::int32_t dry_allowed_length = 2;
  std::int32_t dry_penalty_last_n = -1;  // 0: off, -1: the whole context
  std::vector<std::string> dry_sequence_breakers = {"\n", ":", "\"", "*"};
  float xtc_probability = 0;  // <= 0: off
  float xtc_threshold = 0.1F;
  float adaptive_p_target = -1;  // < 0: off
  float adaptive_p_decay = 0.9F;
  MiroStat miro_stat = MiroStat::kDisabled;  // otherwise it stands for all filters, after the temperature
  float miro_stat_tau = 5;
  float miro_stat_eta = 0.1F;
  std::uint32_t seed = 0;  // the library draws one where the user named none

  // Stand for the prompt in the penalty history. At most one of the two is given.
  std::optional<std::string> penalty_prompt;
  std::optional<std::vector<std::int32_t>> penalty_prompt_tokens;
  std::vector<TokenBias> token_biases;
  std::vector<TextBias> text_biases;

  // The order of the chain; each at most once. Penalties that are not listed run first.
  std::vector<SamplerKind> samplers = {SamplerKind::kPenalties,   SamplerKind::kDry,      SamplerKind::kTopNSigma,
                                       SamplerKind::kTopK,        SamplerKind::kTfsZ,     SamplerKind::kTypicalP,
                                       SamplerKind::kTopP,        SamplerKind::kMinP,     SamplerKind::kXtc,
                                       SamplerKind::kTemperature, SamplerKind::kAdaptiveP};
};

}  // namespace medinfer
