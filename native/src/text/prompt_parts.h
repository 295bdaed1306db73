// A prompt's parts, as the caller gave them, to what the model reads: tokens and images.
#pragma once

#include <vector>

#include "medinfer/request.h"
#include "medinfer/status.h"

namespace medinfer {

class PromptTokenizer;

// Images, and between them one part for all text, as tokens. The model goes on behind a prompt, so nothing is put
// there, whatever the vocabulary puts behind a whole text. `add_special`: BOS in front, where the vocabulary asks for
// it and the prompt does not have it. Fails as PromptTokenizer::Tokenize.
Result<std::vector<PromptPart>> TokenizeParts(const PromptTokenizer& tokenizer, const std::vector<PromptPart>& parts,
                                              bool add_special);

bool HasImages(const std::vector<PromptPart>& parts);

}  // namespace medinfer
