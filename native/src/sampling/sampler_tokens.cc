#include "sampling/sampler_tokens.h"

#include <limits>
#include <map>
#include <set>
#include <string_view>

#include "llama.h"

namespace medinfer {
namespace {

std::vector<std::int32_t> Tokenize(const llama_vocab* vocab, std::string_view text) {
  const auto length = static_cast<std::int32_t>(text.size());
  std::vector<std::int32_t> tokens(text.size() + 2);
  std::int32_t n = llama_tokenize(vocab, text.data(), length, tokens.data(), static_cast<std::int32_t>(tokens.size()),
                                  /*add_special=*/false, /*parse_special=*/false);
  if (n < 0) {
    tokens.resize(static_cast<std::size_t>(-n));
    n = llama_tokenize(vocab, text.data(), length, tokens.data(), -n, false, false);
  }
  tokens.resize(static_cast<std::size_t>(n > 0 ? n : 0));
  return tokens;
}

}  // namespace

std::vector<TokenBias> JoinBiases(const std::vector<TokenBias>& biases) {
  std::map<std::int32_t, float> sums;
  for (const TokenBias& bias : biases) sums[bias.token] += bias.bias;
  std::vector<TokenBias> joined;
  joined.reserve(sums.size());
  for (const auto& [token, sum] : sums) joined.push_back({token, sum});
  return joined;
}

std::vector<std::int32_t> EndOfGenerationTokens(const llama_vocab* vocab) {
  std::vector<std::int32_t> ends;
  for (std::int32_t token = 0; token < llama_vocab_n_tokens(vocab); ++token) {
    if (llama_vocab_is_eog(vocab, token)) ends.push_back(token);
  }
  return ends;
}

SamplerTokens ResolveTokens(const llama_vocab* vocab, const SamplingParams& params, bool ignore_eos,
                            std::uint32_t context) {
  SamplerTokens resolved;
  resolved.vocab = vocab;
  resolved.n_vocab = llama_vocab_n_tokens(vocab);
  resolved.newline = llama_vocab_nl(vocab);
  resolved.context = context;
  std::vector<TokenBias> biases = params.token_biases;
  for (const TextBias& bias : params.text_biases) {
    const std::vector<std::int32_t> tokens = Tokenize(vocab, bias.text);
    for (const std::int32_t token : std::set(tokens.begin(), tokens.end())) biases.push_back({token, bias.bias});
  }
  if (ignore_eos) {
    for (const std::int32_t token : EndOfGenerationTokens(vocab)) {
      biases.push_back({token, -std::numeric_limits<float>::infinity()});
    }
  }
  resolved.biases = JoinBiases(biases);
  if (params.penalty_prompt) {
    resolved.penalty_prompt = Tokenize(vocab, *params.penalty_prompt);
  } else {
    resolved.penalty_prompt = params.penalty_prompt_tokens;
  }
  return resolved;
}

}  // namespace medinfer
