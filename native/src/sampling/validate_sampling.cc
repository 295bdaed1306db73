#include "sampling/validate_sampling.h"

#include <algorithm>
#include <cmath>
#include <string>

namespace medinfer {
namespace {

constexpr std::size_t kMostBreakers = 64;

class Checker {
 public:
  void Finite(const char* name, float value) { Check(std::isfinite(value), name, "must be a finite number"); }
  void AtLeast(const char* name, float value, float low) {
    Check(std::isfinite(value) && value >= low, name, "must be a finite number of " + Number(low) + " or more");
  }
  void Within(const char* name, float value, float low, float high) {
    Check(value >= low && value <= high, name, "must be from " + Number(low) + " to " + Number(high));
  }
  void Window(const char* name, std::int32_t value) { Check(value >= -1, name, "must be -1 or more"); }
  void Token(const char* name, std::int32_t token, std::uint32_t n_vocab) {
    Check(token >= 0 && static_cast<std::uint32_t>(token) < n_vocab, name,
          "names the token " + std::to_string(token) + ", and the vocabulary has " + std::to_string(n_vocab));
  }
  void Bias(const char* name, float bias) {
    Check(!std::isnan(bias) && !(std::isinf(bias) && bias > 0), name, "must be a finite number or minus infinity");
  }
  // The first thing that is wrong counts.
  void Check(bool good, const char* name, const std::string& what) {
    if (!good && status_.ok()) status_ = {Code::kInvalidArgument, std::string(name) + " " + what};
  }
  const Status& status() const { return status_; }

 private:
  static std::string Number(float value) {
    std::string text = std::to_string(value);
    text.erase(text.find_last_not_of('0') + 1);
    if (text.back() == '.') text.pop_back();
    return text;
  }

  Status status_;
};

void CheckSamplers(Checker& check, const std::vector<SamplerKind>& samplers) {
  for (auto at = samplers.begin(); at != samplers.end(); ++at) {
    check.Check(std::find(samplers.begin(), at, *at) == at, "samplers", "must not list one twice");
    check.Check(*at != SamplerKind::kAdaptiveP || at + 1 == samplers.end(), "samplers",
                "must list ADAPTIVE_P last: it draws the token");
  }
}

}  // namespace

Status ValidateSampling(const SamplingParams& s, std::uint32_t n_vocab) {
  Checker check;
  check.Finite("temperature", s.temperature);
  check.AtLeast("dynatempRange", s.dynatemp_range, 0);
  check.AtLeast("dynatempExponent", s.dynatemp_exponent, 0);
  check.Finite("topP", s.top_p);
  check.Finite("minP", s.min_p);
  check.Finite("tfsZ", s.tfs_z);
  check.Finite("typicalP", s.typical_p);
  check.Finite("topNSigma", s.top_n_sigma);
  check.Check(s.min_keep >= 0 && static_cast<std::uint32_t>(s.min_keep) <= n_vocab, "minKeep",
              "must be from 0 to " + std::to_string(n_vocab));
  check.Window("repeatLastN", s.repeat_last_n);
  check.Check(std::isfinite(s.repeat_penalty) && s.repeat_penalty > 0, "repeatPenalty", "must be above 0");
  check.Finite("frequencyPenalty", s.frequency_penalty);
  check.Finite("presencePenalty", s.presence_penalty);
  check.AtLeast("dryMultiplier", s.dry_multiplier, 0);
  check.AtLeast("dryBase", s.dry_base, 1);
  check.Check(s.dry_allowed_length >= 0, "dryAllowedLength", "must be 0 or more");
  check.Window("dryPenaltyLastN", s.dry_penalty_last_n);
  check.Check(s.dry_sequence_breakers.size() <= kMostBreakers &&
                  std::none_of(s.dry_sequence_breakers.begin(), s.dry_sequence_breakers.end(),
                               [](const std::string& text) { return text.empty() || text.find('\0') < text.size(); }),
              "drySequenceBreakers", "must hold at most 64 texts that are not empty and have no null character");
  check.Within("xtcProbability", s.xtc_probability, 0, 1);
  check.Within("xtcThreshold", s.xtc_threshold, 0, 0.5F);
  check.Within("adaptivePTarget", s.adaptive_p_target, -1, 1);
  check.Within("adaptivePDecay", s.adaptive_p_decay, 0, 0.99F);
  check.AtLeast("miroStatTau", s.miro_stat_tau, 0);
  check.AtLeast("miroStatEta", s.miro_stat_eta, 0);
  for (const TokenBias& bias : s.token_biases) {
    check.Token("tokenIdBias or disableTokenIds", bias.token, n_vocab);
    check.Bias("tokenIdBias", bias.bias);
  }
  for (const TextBias& bias : s.text_biases) check.Bias("tokenBias", bias.bias);
  if (s.penalty_prompt_tokens) {
    for (const std::int32_t token : *s.penalty_prompt_tokens) check.Token("penaltyPrompt", token, n_vocab);
  }
  CheckSamplers(check, s.samplers);
  return check.status();
}

}  // namespace medinfer
