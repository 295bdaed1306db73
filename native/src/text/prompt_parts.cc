#include "text/prompt_parts.h"

#include <algorithm>
#include <utility>

#include "text/prompt_tokenizer.h"

namespace medinfer {

Result<std::vector<PromptPart>> TokenizeParts(const PromptTokenizer& tokenizer, const std::vector<PromptPart>& parts,
                                              bool add_special) {
  std::vector<PromptPart> prompt;
  std::vector<TextPiece> pieces;     // neighbours, not tokenised yet
  std::vector<std::int32_t> tokens;  // before them, back to the last image
  const auto tokenize_pieces = [&]() -> Status {
    auto more = tokenizer.Tokenize(std::exchange(pieces, {}));
    if (!more.ok()) return more.status();
    tokens.insert(tokens.end(), more.value().begin(), more.value().end());
    return {};
  };
  const auto add_text = [&]() -> Status {
    if (Status status = tokenize_pieces(); !status.ok()) return status;
    if (prompt.empty() && add_special) tokenizer.AddBos(tokens);
    if (!tokens.empty()) prompt.push_back({"", true, nullptr, std::exchange(tokens, {})});
    return {};
  };
  for (const PromptPart& part : parts) {
    if (!part.tokens.empty()) {
      if (Status status = tokenize_pieces(); !status.ok()) return status;
      tokens.insert(tokens.end(), part.tokens.begin(), part.tokens.end());
    } else if (part.image == nullptr) {
      pieces.push_back({part.text, part.parse_special});
    } else {
      if (Status status = add_text(); !status.ok()) return status;
      prompt.push_back(part);
    }
  }
  if (Status status = add_text(); !status.ok()) return status;
  return prompt;
}

bool HasImages(const std::vector<PromptPart>& parts) {
  return std::ranges::any_of(parts, [](const PromptPart& part) { return part.image != nullptr; });
}

}  // namespace medinfer
