// Candidates that may follow a prompt, as the tokens that the model would read.
#pragma once

#include <cstdint>
#include <vector>

#include "medinfer/request.h"
#include "medinfer/status.h"

namespace medinfer {

class PromptTokenizer;

struct CandidateTokens {
  std::vector<PromptPart> prompt;                // as TokenizeParts gives it: what all have in common
  std::vector<std::vector<std::int32_t>> tails;  // by candidate: what follows it; none is empty
};

// A candidate's text is tokenised together with the prompt's, so a token may hold the end of the one and the beginning
// of the other. What is in common to the prompt by itself and to the prompt with each candidate is read once, and every
// candidate is all that follows it. Fails as TokenizeParts, and with kInvalidArgument where nothing is in common.
Result<CandidateTokens> TokenizeCandidates(const PromptTokenizer& tokenizer, const std::vector<PromptPart>& prompt,
                                           bool add_special, const std::vector<Candidate>& candidates);

}  // namespace medinfer
