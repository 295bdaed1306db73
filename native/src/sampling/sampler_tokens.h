// What the sampling parameters mean in one vocabulary: texts become tokens, "the whole context" a number.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "medinfer/sampling.h"

struct llama_vocab;

namespace medinfer {

struct SamplerTokens {
  const llama_vocab* vocab = nullptr;  // null: none is needed, because DRY has no sequence breakers or is off
  std::int32_t n_vocab = 0;
  std::int32_t newline = -1;      // -1: the vocabulary has none
  std::uint32_t context = 0;      // the number of tokens that a window of -1 means, and the most that one can be
  std::vector<TokenBias> biases;  // each token once
  std::optional<std::vector<std::int32_t>> penalty_prompt;  // stands for the prompt in the penalty history
};

// All tokens that end the model's turn.
std::vector<std::int32_t> EndOfGenerationTokens(const llama_vocab* vocab);

// `ignore_eos`: no end-of-generation token is drawn. REQUIRES: token ids are in the vocabulary.
SamplerTokens ResolveTokens(const llama_vocab* vocab, const SamplingParams& params, bool ignore_eos,
                            std::uint32_t context);

// The biases that name tokens, those of one token added up.
std::vector<TokenBias> JoinBiases(const std::vector<TokenBias>& biases);

}  // namespace medinfer
