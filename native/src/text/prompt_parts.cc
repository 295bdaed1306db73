#include "text/prompt_parts.h"

#include <algorithm>
#include <utility>

#include "text/prompt_tokenizer.h"

namespace medinfer {

Result<std::vector<PromptPart>> TokenizeParts(const PromptTokenizer& tokenizer, const std::vector<PromptPart>& parts,
                                              bool add_special) {
  std::vector<PromptPart> prompt;
  std::vector<TextPiece> pieces;
  const auto add_text = [&]() -> Status {
    auto tokens = tokenizer.Tokenize(std::exchange(pieces, {}));
    if (!tokens.ok()) return tokens.status();
    if (prompt.empty() && add_special) tokenizer.AddBos(tokens.value());
    if (!tokens.value().empty()) prompt.push_back({"", true, nullptr, std::move(tokens.value())});
    return {};
  };
  for (const PromptPart& part : parts) {
    if (part.image == nullptr) {
      pieces.push_back({part.text, part.parse_special});
      continue;
    }
    if (Status status = add_text(); !status.ok()) return status;
    prompt.push_back({"", true, part.image, {}});
  }
  if (Status status = add_text(); !status.ok()) return status;
  return prompt;
}

bool HasImages(const std::vector<PromptPart>& parts) {
  return std::ranges::any_of(parts, [](const PromptPart& part) { return part.image != nullptr; });
}

}  // namespace medinfer
