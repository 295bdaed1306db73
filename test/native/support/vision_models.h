// Random-weight pairs of a text model and its projector, made by test/support/tools/random_gguf.
#pragma once

#include <llama.h>

#include <memory>
#include <string>
#include <vector>

#include "vision/projector.h"

namespace medinfer::testing {

// The file of `kind` ("llama", "llava-mmproj", ...) with `options` of the tool; made once for each run of the test
// program, and removed at its end.
std::string RandomFile(const std::string& kind, const std::string& options = "");

// Where a test may write a file of its own; removed at the end of the test program.
std::string ScratchPath(const std::string& name);

struct ModelDeleter {
  void operator()(llama_model* model) const { llama_model_free(model); }
};

struct VisionPair {
  std::unique_ptr<llama_model, ModelDeleter> model;
  std::unique_ptr<Projector> projector;
};

// `family`: llava, qwen2vl (M-RoPE, images of any size), gemma3 (not causal), internvl (tiles). libmtmd can encode
// several images of the first and the last in one pass. Fails the test where the pair cannot be loaded.
// `device`: the projector's; null for the CPU.
VisionPair LoadPair(const std::string& family, const std::string& projector_options = "",
                    ggml_backend_dev_t device = nullptr);

std::unique_ptr<llama_model, ModelDeleter> LoadTextModel(const std::string& path);

}  // namespace medinfer::testing
