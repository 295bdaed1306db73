#include "medinfer/chat_templates.h"

#include <algorithm>

#include "base/excerpt.h"
#include "llama.h"

namespace medinfer {

std::vector<std::string> BuiltinChatTemplates() {
  const std::int32_t n = llama_chat_builtin_templates(nullptr, 0);
  std::vector<const char*> names(static_cast<std::size_t>(std::max(n, 0)));
  llama_chat_builtin_templates(names.data(), names.size());
  return {names.begin(), names.end()};
}

Result<std::string> ApplyBuiltinChatTemplate(const std::string& name, const std::vector<ChatMessage>& messages,
                                             bool add_generation_prompt) {
  // llama.cpp takes a name or a Jinja template that it recognises by its text; only names are exact.
  const std::vector<std::string> names = BuiltinChatTemplates();
  if (std::find(names.begin(), names.end(), name) == names.end()) {
    return Status(Code::kInvalidArgument, "\"" + Excerpt(name) + "\" is not a built-in chat template");
  }
  std::vector<llama_chat_message> chat;
  std::size_t length = 256;
  for (const ChatMessage& message : messages) {
    chat.push_back({message.role.c_str(), message.content.c_str()});
    length += 2 * (message.role.size() + message.content.size());
  }
  std::string prompt(length, '\0');
  const auto apply = [&] {
    return llama_chat_apply_template(name.c_str(), chat.data(), chat.size(), add_generation_prompt, prompt.data(),
                                     static_cast<std::int32_t>(prompt.size()));
  };
  std::int32_t n = apply();
  if (n > static_cast<std::int32_t>(prompt.size())) {
    prompt.resize(static_cast<std::size_t>(n));
    n = apply();
  }
  if (n < 0)
    return Status(Code::kInvalidArgument, "the messages do not fit the chat template \"" + Excerpt(name) + "\"");
  prompt.resize(static_cast<std::size_t>(n));
  return prompt;
}

}  // namespace medinfer
