// What a program does that calls llama.cpp itself to have a model's prediction head guess: two contexts of one model,
// one sequence, llama.cpp's own KV caches.
#pragma once

#include <llama.h>

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "support/vision_models.h"

namespace medinfer::testing {

class PlainHeads {
 public:
  // Reads the file by itself. Computes as TestOptions() does: F32 keys and values, one thread.
  explicit PlainHeads(const std::string& model);

  // The `n` likeliest tokens behind a text, of which the model reads all but the last token, and the head all.
  std::vector<std::int32_t> Guess(const std::vector<std::int32_t>& text, std::size_t n) const;

 private:
  struct ContextDeleter {
    void operator()(llama_context* context) const { llama_free(context); }
  };
  using Context = std::unique_ptr<llama_context, ContextDeleter>;

  Context Make(llama_context_type type, std::size_t cells) const;

  std::unique_ptr<llama_model, ModelDeleter> model_;
};

}  // namespace medinfer::testing
