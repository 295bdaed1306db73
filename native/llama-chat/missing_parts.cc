// What llama.cpp's chat sources need of the rest of its common library. Nothing is logged: their messages hold what the
// model said.
#include <common.h>
#include <log.h>

#include <cstddef>
#include <string>
#include <utility>
#include <vector>

int common_log_get_verbosity_thold() { return -1; }

common_log* common_log_main() { return nullptr; }

void common_log_add(common_log* /*log*/, ggml_log_level /*level*/, const char* /*format*/, ...) {}

// Only for templates that are read from a model, and for messages in tokens: neither is asked for.
std::string common_token_to_piece(const llama_vocab* /*vocab*/, llama_token /*token*/, bool /*special*/) { return {}; }

std::vector<llama_token> common_tokenize(const llama_vocab* /*vocab*/, const std::string& /*text*/,
                                         bool /*add_special*/, bool /*parse_special*/) {
  return {};
}

void string_replace_all(std::string& text, const std::string& search, const std::string& replacement) {
  if (search.empty()) return;
  std::string replaced;
  std::size_t from = 0;
  for (std::size_t at = text.find(search); at != std::string::npos; at = text.find(search, from)) {
    replaced.append(text, from, at - from).append(replacement);
    from = at + search.size();
  }
  text = std::move(replaced.append(text, from));
}

std::string string_join(const std::vector<std::string>& values, const std::string& separator) {
  std::string text;
  for (std::size_t i = 0; i < values.size(); ++i) text.append(i == 0 ? "" : separator).append(values[i]);
  return text;
}

std::vector<std::string> string_split(const std::string& text, const std::string& delimiter) {
  std::vector<std::string> parts;
  std::size_t from = 0;
  for (std::size_t at = text.find(delimiter); at != std::string::npos; at = text.find(delimiter, from)) {
    parts.push_back(text.substr(from, at - from));
    from = at + delimiter.size();
  }
  parts.push_back(text.substr(from));
  return parts;
}

std::string string_repeat(const std::string& text, std::size_t times) {
  std::string repeated;
  repeated.reserve(text.size() * times);
  for (std::size_t i = 0; i < times; ++i) repeated += text;
  return repeated;
}
