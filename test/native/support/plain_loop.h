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

 private:
  std::unique_ptr<llama_model, ModelDeleter> model_;
};

}  // namespace medinfer::testing
