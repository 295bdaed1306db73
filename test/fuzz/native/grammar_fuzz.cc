// GBNF: any text is a grammar that can be followed, or is refused. The input is a grammar, a byte 0xFF, and a text that
// is followed token by token.
#include <llama-grammar.h>
#include <llama.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "grammar/grammar.h"
#include "grammar/rules.h"

namespace medinfer {
namespace {

// Of the embedded model, never freed: a run ends with the process.
const llama_vocab* Vocabulary() {
  static const llama_vocab* vocab = [] {
    llama_log_set([](ggml_log_level, const char*, void*) {}, nullptr);
    llama_model_params params = llama_model_default_params();
    params.vocab_only = true;
    const llama_model* model = llama_model_load_from_file(MEDINFER_SOURCE_DIR "/models/medinfer-tiny.gguf", params);
    if (model == nullptr) std::abort();
    return llama_model_get_vocab(model);
  }();
  return vocab;
}

std::vector<llama_token> Tokenize(std::string_view text) {
  std::vector<llama_token> tokens(text.size() + 8);
  const int n = llama_tokenize(Vocabulary(), text.data(), static_cast<std::int32_t>(text.size()), tokens.data(),
                               static_cast<std::int32_t>(tokens.size()), false, false);
  tokens.resize(static_cast<std::size_t>(std::max(n, 0)));
  return tokens;
}

void Follow(TokenConstraint& constraint, std::string_view text) {
  constexpr llama_token kCandidates = 64;
  for (const llama_token token : Tokenize(text)) {
    std::vector<llama_token_data> candidates;
    for (llama_token id = 0; id < kCandidates; ++id) candidates.push_back({id, 0, 0});
    candidates.push_back({token, 0, 0});
    llama_token_data_array array = {candidates.data(), candidates.size(), -1, false};
    constraint.Apply(array);
    constraint.Accept(token);
    if (constraint.ended()) return;
  }
}

}  // namespace
}  // namespace medinfer

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  constexpr std::size_t kMostText = 64;
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  const std::size_t end = std::min(input.find('\xff'), input.size());
  const std::string grammar(input.substr(0, end));
  auto constraint = medinfer::GrammarConstraint::Create(medinfer::Vocabulary(), grammar);
  if (!constraint.ok() || end == input.size()) return 0;
  const auto copy = constraint.value()->Clone();
  medinfer::Follow(*constraint.value(), input.substr(end + 1, kMostText));
  medinfer::Follow(*copy, input.substr(end + 1, kMostText));
  return 0;
}
