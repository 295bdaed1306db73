#include "engine/validate_request.h"

#include <algorithm>
#include <cmath>
#include <set>
#include <string>
#include <vector>

#include "base/invalid_argument.h"
#include "sampling/validate_sampling.h"

namespace medinfer {
namespace {

constexpr std::uint32_t kMaxProbs = 100;       // tokens reported beside a drawn one
constexpr std::uint32_t kMaxCompletions = 64;  // of one prompt
constexpr std::size_t kMaxCandidates = 256;    // of one prompt
constexpr std::size_t kMaxStopTokens = 1024;
constexpr std::size_t kMaxSaltBytes = 256;
constexpr std::size_t kMaxAdapters = 16;
constexpr float kMaxScale = 100;

bool AreInVocabulary(const std::vector<std::int32_t>& tokens, std::uint32_t n_vocab) {
  return std::ranges::all_of(
      tokens, [&](std::int32_t token) { return token >= 0 && static_cast<std::uint32_t>(token) < n_vocab; });
}

Status ValidateAdapters(const std::vector<AdapterUse>& adapters) {
  if (adapters.size() > kMaxAdapters) return Invalid("adapters must hold at most 16 adapters");
  std::set<AdapterId> seen;
  for (const AdapterUse& use : adapters) {
    if (!std::isfinite(use.scale) || std::abs(use.scale) > kMaxScale) {
      return Invalid("the scale of an adapter must be a number from -100 to 100");
    }
    if (!seen.insert(use.adapter).second) return Invalid("adapters must name each adapter once: scale it instead");
  }
  return {};
}

// What is scored instead of generated.
Status ValidateCandidates(const Request& request, std::uint32_t n_vocab) {
  if (request.candidates.empty()) return {};
  if (request.candidates.size() > kMaxCandidates) return Invalid("candidates must hold at most 256");
  if (request.n != request.candidates.size()) return Invalid("n must be the number of candidates");
  if (request.keep) return Invalid("a session goes on from an answer: nothing can be kept of candidates");
  for (const Candidate& candidate : request.candidates) {
    if (candidate.text.empty() && candidate.tokens.empty()) return Invalid("candidates must not hold an empty one");
    if (!AreInVocabulary(candidate.tokens, n_vocab)) return OutOfRange("every token of a candidate", 0, n_vocab - 1);
  }
  return {};
}

}  // namespace

Status ValidateRequest(const Request& request, bool vision, std::uint32_t n_vocab) {
  if (request.prompt.empty()) return Invalid("the prompt is empty");
  for (const PromptPart& part : request.prompt) {
    if (!AreInVocabulary(part.tokens, n_vocab)) return OutOfRange("every token of the prompt", 0, n_vocab - 1);
    if (part.image == nullptr) continue;
    if (!vision) {
      return {Code::kNoVision, "the engine has no projector, so it cannot read images: load it with mmproj"};
    }
    if (part.limits.max > 0 && part.limits.min > part.limits.max) {
      return Invalid("minTokens of an image must be at most its maxTokens");
    }
    if (part.image->empty()) return {Code::kImageDecode, "the image is empty (0 bytes): send the file's bytes"};
  }
  if (Status status = ValidateSampling(request.sampling, n_vocab); !status.ok()) return status;
  if (request.n_probs > kMaxProbs) return OutOfRange("nProbs", 0, kMaxProbs);
  if (request.candidates.empty() && (request.n < 1 || request.n > kMaxCompletions)) {
    return OutOfRange("n", 1, kMaxCompletions);
  }
  if (request.prompt_probs.value_or(0) > kMaxProbs) return OutOfRange("promptLogprobs", 0, kMaxProbs);
  if (Status status = ValidateCandidates(request, n_vocab); !status.ok()) return status;
  if (request.keep && request.n != 1) return Invalid("a session goes on from one completion: leave n out");
  if (request.draft_tokens > kMostDraftTokens) return OutOfRange("maxDraftTokens", 0, kMostDraftTokens);
  if (request.cache_salt.size() > kMaxSaltBytes) return Invalid("cacheSalt must have at most 256 bytes");
  if (Status status = ValidateAdapters(request.adapters); !status.ok()) return status;
  if (request.n_predict < -1) return Invalid("nPredict must be -1 or more");
  if (request.n_predict >= 0 && request.min_tokens > static_cast<std::uint32_t>(request.n_predict)) {
    return Invalid("minTokens must be at most nPredict");
  }
  if (request.stop_tokens.size() > kMaxStopTokens) return Invalid("stopTokenIds must hold at most 1024 tokens");
  if (!AreInVocabulary(request.stop_tokens, n_vocab)) return OutOfRange("every one of stopTokenIds", 0, n_vocab - 1);
  if (std::any_of(request.stop_strings.begin(), request.stop_strings.end(),
                  [](const std::string& stop) { return stop.empty(); })) {
    return Invalid("stopStrings must not hold an empty string");
  }
  if (request.reasoning && (request.reasoning->open.empty() || request.reasoning->close.empty())) {
    return Invalid("thinkingTags must not be empty");
  }
  return {};
}

Status ValidateEmbedRequest(const EmbedRequest& request) {
  if (request.cache_salt.size() > kMaxSaltBytes) return Invalid("cacheSalt must have at most 256 bytes");
  return {};
}

}  // namespace medinfer
