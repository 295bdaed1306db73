// What a program does that calls llama.cpp itself: one sequence, one context, llama.cpp's own KV cache, no sampler.
#pragma once

#include <llama.h>

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "prompt/prepared_prompt.h"
#include "support/vision_models.h"

namespace medinfer::testing {

class PlainLoop {
 public:
  // Reads the file by itself. Computes as TestOptions() does: F32 keys and values, one thread.
  explicit PlainLoop(const std::string& model);

  // The `n` likeliest tokens behind a prompt, one by one; EOS and its like are passed over.
  std::vector<std::int32_t> Greedy(const PreparedPrompt& prompt, int n) const;

  // The logarithm of the probability of each of `tokens`, read one by one behind a prompt.
  std::vector<double> Logprobs(const PreparedPrompt& prompt, const std::vector<std::int32_t>& tokens) const;

 private:
  struct ContextDeleter {
    void operator()(llama_context* context) const { llama_free(context); }
  };
  using Context = std::unique_ptr<llama_context, ContextDeleter>;

  // With room for the prompt and `n` tokens; has read the prompt. `position`: the next.
  Context Read(const PreparedPrompt& prompt, std::size_t n, llama_pos& position) const;

  std::unique_ptr<llama_model, ModelDeleter> model_;
};

}  // namespace medinfer::testing
