// Sampling parameters and inspections <-> JavaScript.
#include <algorithm>
#include <array>

#include "convert.h"
#include "fields.h"

namespace medinfer {
namespace {

// In the order of the enumerators.
constexpr std::array kSamplers = {"PENALTIES", "DRY",   "TOP_N_SIGMA", "TOP_K",       "TFS_Z",     "TYPICAL_P",
                                  "TOP_P",     "MIN_P", "XTC",         "TEMPERATURE", "ADAPTIVE_P"};
constexpr std::array kMiroStats = {"DISABLED", "V1", "V2"};

std::vector<std::string> ToStrings(const Napi::Value& value, const std::string& field) {
  std::vector<std::string> strings;
  ForEach(value, field,
          [&](const Napi::Value& each, const std::string& name) { strings.push_back(ToString(each, name)); });
  return strings;
}

void ReadBiases(const Fields& fields, SamplingParams& sampling) {
  ForEach(fields.Value("tokenIdBias"), fields.Name("tokenIdBias"), [&](const Napi::Value& each, const std::string& at) {
    const Fields bias(each, at);
    sampling.token_biases.push_back({bias.Integer<std::int32_t>("id"), bias.Float("bias")});
  });
  ForEach(fields.Value("tokenBias"), fields.Name("tokenBias"), [&](const Napi::Value& each, const std::string& at) {
    const Fields bias(each, at);
    sampling.text_biases.push_back({ToString(bias.Value("text"), bias.Name("text")), bias.Float("bias")});
  });
}

void ReadPenaltyPrompt(const Fields& fields, SamplingParams& sampling) {
  const Napi::Value value = fields.Value("penaltyPrompt");
  if (value.IsNull()) return;
  if (value.IsString()) {
    sampling.penalty_prompt = ToString(value, fields.Name("penaltyPrompt"));
  } else {
    sampling.penalty_prompt_tokens = ToTokens(value, fields.Name("penaltyPrompt"));
  }
}

}  // namespace

SamplingParams ToSampling(Napi::Value value, const std::string& where) {
  const Fields fields(value, where);
  SamplingParams s;
  s.temperature = fields.Float("temperature");
  s.dynatemp_range = fields.Float("dynatempRange");
  s.dynatemp_exponent = fields.Float("dynatempExponent");
  s.top_k = fields.Integer<std::int32_t>("topK");
  s.top_p = fields.Float("topP");
  s.min_p = fields.Float("minP");
  s.tfs_z = fields.Float("tfsZ");
  s.typical_p = fields.Float("typicalP");
  s.top_n_sigma = fields.Float("topNSigma");
  s.min_keep = fields.Integer<std::int32_t>("minKeep");
  s.repeat_last_n = fields.Integer<std::int32_t>("repeatLastN");
  s.repeat_penalty = fields.Float("repeatPenalty");
  s.frequency_penalty = fields.Float("frequencyPenalty");
  s.presence_penalty = fields.Float("presencePenalty");
  s.penalize_nl = ToBool(fields.Value("penalizeNl"), fields.Name("penalizeNl"));
  ReadPenaltyPrompt(fields, s);
  s.dry_multiplier = fields.Float("dryMultiplier");
  s.dry_base = fields.Float("dryBase");
  s.dry_allowed_length = fields.Integer<std::int32_t>("dryAllowedLength");
  s.dry_penalty_last_n = fields.Integer<std::int32_t>("dryPenaltyLastN");
  s.dry_sequence_breakers = ToStrings(fields.Value("drySequenceBreakers"), fields.Name("drySequenceBreakers"));
  s.xtc_probability = fields.Float("xtcProbability");
  s.xtc_threshold = fields.Float("xtcThreshold");
  s.adaptive_p_target = fields.Float("adaptivePTarget");
  s.adaptive_p_decay = fields.Float("adaptivePDecay");
  s.miro_stat = fields.Enum<MiroStat>("miroStat", kMiroStats);
  s.miro_stat_tau = fields.Float("miroStatTau");
  s.miro_stat_eta = fields.Float("miroStatEta");
  s.seed = fields.Integer<std::uint32_t>("seed");
  ReadBiases(fields, s);
  s.samplers.clear();
  ForEach(fields.Value("samplers"), fields.Name("samplers"), [&](const Napi::Value& each, const std::string& name) {
    s.samplers.push_back(Fields::ToEnum<SamplerKind>(each, name, kSamplers));
  });
  return s;
}

InspectRequest ToInspectRequest(Napi::Value value) {
  const Fields fields(value, "request");
  InspectRequest request;
  request.logits = ToFloats(fields.Value("logits"), fields.Name("logits"));
  request.history = ToTokens(fields.Value("history"), fields.Name("history"));
  request.newline_token = fields.Integer<std::int32_t>("newlineToken");
  request.sampling = ToSampling(fields.Value("sampling"), fields.Name("sampling"));
  return request;
}

Napi::Object ToJs(Napi::Env env, const Inspection& inspection) {
  Napi::Array stages = Napi::Array::New(env, inspection.stages.size());
  for (std::uint32_t i = 0; i < inspection.stages.size(); ++i) {
    const InspectedStage& from = inspection.stages[i];
    Napi::Float32Array probabilities = Napi::Float32Array::New(env, from.probabilities.size());
    std::copy(from.probabilities.begin(), from.probabilities.end(), probabilities.Data());
    Napi::Object stage = Napi::Object::New(env);
    stage["sampler"] = from.sampler;
    stage["ids"] = ToJs(env, from.tokens);
    stage["probabilities"] = probabilities;
    stages[i] = stage;
  }
  Napi::Object object = Napi::Object::New(env);
  object["stages"] = stages;
  object["token"] = inspection.token;
  return object;
}

}  // namespace medinfer
