// llama.cpp's built-in chat templates, applied without a model.
#pragma once

#include <string>
#include <vector>

#include "medinfer/status.h"

namespace medinfer {

struct ChatMessage {
  std::string role;
  std::string content;
};
std::vector<std::string> BuiltinChatTemplates();
Result<std::string> ApplyBuiltinChatTemplate(const std::string& name, const std::vector<ChatMessage>& messages,
                                             bool add_generation_prompt);

}  // namespace medinfer
