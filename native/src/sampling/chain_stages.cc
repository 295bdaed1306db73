#include "sampling/chain_stages.h"

#include <algorithm>
#include <string>
#include <utility>

#include "llama.h"
#include "sampling/dynamic_temperature.h"
#include "sampling/locally_typical.h"
#include "sampling/race_draw.h"
#include "sampling/tail_free.h"

namespace medinfer {
namespace {

constexpr std::int32_t kMirostatM = 100;      // candidates that version 1 estimates with
constexpr std::int32_t kMostSelected = 4096;  // beyond it, sorting is as fast as selecting

// To llama.cpp this one seed means "random", and a seed must mean itself.
std::uint32_t Seed(std::uint32_t seed) { return seed == LLAMA_DEFAULT_SEED ? LLAMA_DEFAULT_SEED - 1 : seed; }

std::uint32_t Window(std::int32_t last_n, std::uint32_t context) {
  return last_n < 0 ? context : std::min(static_cast<std::uint32_t>(last_n), context);
}

SamplerPtr Dry(const SamplingParams& p, const SamplerTokens& tokens) {
  std::vector<const char*> breakers;
  for (const std::string& breaker : p.dry_sequence_breakers) breakers.push_back(breaker.c_str());
  return SamplerPtr(llama_sampler_init_dry(tokens.vocab, p.dry_multiplier, p.dry_base, p.dry_allowed_length,
                                           static_cast<std::int32_t>(Window(p.dry_penalty_last_n, tokens.context)),
                                           breakers.data(), breakers.size()));
}

// Null: off.
SamplerPtr Filter(SamplerKind kind, const SamplingParams& p, const SamplerTokens& tokens) {
  const std::int32_t min_keep = std::max(1, p.min_keep);
  const auto keep = static_cast<std::size_t>(min_keep);
  switch (kind) {
    case SamplerKind::kDry:
      return p.dry_multiplier != 0 && p.dry_penalty_last_n != 0 ? Dry(p, tokens) : nullptr;
    case SamplerKind::kTopNSigma:
      return SamplerPtr(p.top_n_sigma > 0 ? llama_sampler_init_top_n_sigma(p.top_n_sigma) : nullptr);
    case SamplerKind::kTopK:
      return SamplerPtr(p.top_k > 0 ? llama_sampler_init_top_k(std::max(p.top_k, min_keep)) : nullptr);
    case SamplerKind::kTfsZ:
      return p.tfs_z < 1 ? Wrap(std::make_unique<TailFree>(p.tfs_z, keep)) : nullptr;
    case SamplerKind::kTypicalP:
      return p.typical_p < 1 ? Wrap(std::make_unique<LocallyTypical>(p.typical_p, keep)) : nullptr;
    case SamplerKind::kTopP:
      return SamplerPtr(p.top_p < 1 ? llama_sampler_init_top_p(p.top_p, keep) : nullptr);
    case SamplerKind::kMinP:
      return SamplerPtr(p.min_p > 0 ? llama_sampler_init_min_p(p.min_p, keep) : nullptr);
    case SamplerKind::kXtc:
      return SamplerPtr(p.xtc_probability > 0
                            ? llama_sampler_init_xtc(p.xtc_probability, p.xtc_threshold, keep, Seed(p.seed))
                            : nullptr);
    case SamplerKind::kTemperature:
      return Wrap(std::make_unique<DynamicTemperature>(p.temperature, p.dynatemp_range, p.dynatemp_exponent));
    case SamplerKind::kPenalties:
    case SamplerKind::kAdaptiveP:
      break;
  }
  return nullptr;
}

// What changes logits has its effect with a greedy draw and with mirostat as well; what cuts candidates off has none
// with the first, and makes way for the second.
bool ChangesLogits(SamplerKind kind) { return kind == SamplerKind::kDry || kind == SamplerKind::kPenalties; }

void AddPenalties(ChainStages& stages, const SamplingParams& p, const SamplerTokens& tokens, bool first) {
  Penalties::Params params;
  params.repeat = p.repeat_penalty;
  params.frequency = p.frequency_penalty;
  params.presence = p.presence_penalty;
  params.last_n = Window(p.repeat_last_n, tokens.context);
  params.exempt = p.penalize_nl ? -1 : tokens.newline;
  if (!params.active()) return;
  auto penalties = std::make_unique<Penalties>(params);
  stages.penalties = penalties.get();
  if (first) {
    stages.first_penalties = std::move(penalties);
  } else {
    stages.filters.push_back({SamplerKind::kPenalties, Wrap(std::move(penalties))});
  }
}

void AddSelector(ChainStages& stages, const SamplingParams& p, const SamplerTokens& tokens) {
  const std::uint32_t seed = Seed(p.seed);
  const auto listed = std::find(p.samplers.begin(), p.samplers.end(), SamplerKind::kAdaptiveP);
  if (p.miro_stat == MiroStat::kV1) {
    stages.selector_name = "MIROSTAT_V1";
    stages.selector.reset(
        llama_sampler_init_mirostat(tokens.n_vocab, seed, p.miro_stat_tau, p.miro_stat_eta, kMirostatM));
  } else if (p.miro_stat == MiroStat::kV2) {
    stages.selector_name = "MIROSTAT_V2";
    stages.selector.reset(llama_sampler_init_mirostat_v2(seed, p.miro_stat_tau, p.miro_stat_eta));
  } else if (listed != p.samplers.end() && p.adaptive_p_target >= 0) {
    stages.selector_name = "ADAPTIVE_P";
    stages.selector.reset(llama_sampler_init_adaptive_p(p.adaptive_p_target, p.adaptive_p_decay, seed));
  } else {
    stages.selector = Wrap(std::make_unique<RaceDraw>(seed));
  }
}

}  // namespace

ChainStages BuildStages(const SamplingParams& p, const SamplerTokens& tokens) {
  ChainStages stages;
  stages.greedy = p.temperature <= 0;
  const bool mirostat = p.miro_stat != MiroStat::kDisabled;
  const auto penalties = std::find(p.samplers.begin(), p.samplers.end(), SamplerKind::kPenalties);
  if (penalties == p.samplers.end()) AddPenalties(stages, p, tokens, /*first=*/true);
  for (const SamplerKind kind : p.samplers) {
    if ((stages.greedy || mirostat) && !ChangesLogits(kind)) continue;
    if (kind == SamplerKind::kPenalties) {
      AddPenalties(stages, p, tokens, /*first=*/stages.filters.empty());
    } else if (SamplerPtr sampler = Filter(kind, p, tokens)) {
      stages.filters.push_back({kind, std::move(sampler)});
    }
  }
  if (stages.greedy) return stages;
  if (mirostat) {
    stages.filters.push_back({SamplerKind::kTemperature, Filter(SamplerKind::kTemperature, p, tokens)});
  }
  AddSelector(stages, p, tokens);
  const std::int32_t k = std::max({p.top_k, p.min_keep, 1});
  if (!stages.filters.empty() && stages.filters[0].kind == SamplerKind::kTopK && k <= kMostSelected) {
    stages.first_top_k = static_cast<std::size_t>(k);
  }
  return stages;
}

const char* SamplerName(SamplerKind kind) {
  switch (kind) {
    case SamplerKind::kPenalties:
      return "PENALTIES";
    case SamplerKind::kDry:
      return "DRY";
    case SamplerKind::kTopNSigma:
      return "TOP_N_SIGMA";
    case SamplerKind::kTopK:
      return "TOP_K";
    case SamplerKind::kTfsZ:
      return "TFS_Z";
    case SamplerKind::kTypicalP:
      return "TYPICAL_P";
    case SamplerKind::kTopP:
      return "TOP_P";
    case SamplerKind::kMinP:
      return "MIN_P";
    case SamplerKind::kXtc:
      return "XTC";
    case SamplerKind::kTemperature:
      return "TEMPERATURE";
    case SamplerKind::kAdaptiveP:
      return "ADAPTIVE_P";
  }
  return "";
}

}  // namespace medinfer
