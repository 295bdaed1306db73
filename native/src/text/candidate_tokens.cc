#include "text/candidate_tokens.h"

#include <algorithm>
#include <utility>

#include "text/prompt_parts.h"

namespace medinfer {

Result<CandidateTokens> TokenizeCandidates(const PromptTokenizer& tokenizer, const std::vector<PromptPart>& prompt,
                                           bool add_special, const std::vector<Candidate>& candidates) {
  auto alone = TokenizeParts(tokenizer, prompt, add_special);
  if (!alone.ok()) return alone.status();
  CandidateTokens result{std::move(alone.value()), {}};
  // The text at the end, in which alone a candidate can change anything; empty behind an image.
  std::vector<std::int32_t> end;
  if (!result.prompt.empty() && result.prompt.back().image == nullptr) {
    end = std::move(result.prompt.back().tokens);
    result.prompt.pop_back();
  }
  std::size_t common = end.size();
  std::vector<PromptPart> with = prompt;
  with.emplace_back();
  for (const Candidate& candidate : candidates) {
    with.back() = {candidate.text, false, nullptr, candidate.tokens};
    auto parts = TokenizeParts(tokenizer, with, add_special);
    if (!parts.ok()) return parts.status();
    if (parts.value().size() == result.prompt.size()) parts.value().emplace_back();  // a text that has no tokens
    std::vector<std::int32_t>& tokens = result.tails.emplace_back(std::move(parts.value().back().tokens));
    const auto same = static_cast<std::size_t>(std::ranges::mismatch(end, tokens).in1 - end.begin());
    if (same == tokens.size()) {
      return Status(Code::kInvalidArgument, "the vocabulary makes no tokens of a candidate: leave it out");
    }
    common = std::min(common, same);
  }
  if (common == 0 && result.prompt.empty() && !candidates.empty()) {
    return Status(Code::kInvalidArgument,
                  "the prompt shares no token with itself and a candidate: give the prompt more text");
  }
  for (std::vector<std::int32_t>& tail : result.tails) {
    tail.erase(tail.begin(), tail.begin() + static_cast<std::ptrdiff_t>(common));
  }
  end.resize(common);
  if (!end.empty()) result.prompt.push_back({"", true, nullptr, std::move(end)});
  return result;
}

}  // namespace medinfer
