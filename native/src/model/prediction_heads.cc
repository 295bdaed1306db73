#include "model/prediction_heads.h"

#include <algorithm>
#include <array>
#include <string>
#include <string_view>

#include "model/gguf_header.h"
#include "model/gguf_values.h"

namespace medinfer {
namespace {

// Those of llama.cpp's graphs of heads (LLM_GRAPH_TYPE_DECODER_MTP) whose models have a plain memory. The others slide
// (cohere2moe, deepseek4, mimo2, step35), have recurrent states (bailingmoe3, nemotron_h_moe, qwen3next, qwen35,
// qwen35moe) or a sparse attention's index (deepseek32, glm-dsa).
constexpr std::array<std::string_view, 3> kArchitectures = {"deepseek2", "glm4moe", "hy_v3"};

}  // namespace

bool LoadsHeads(const LoadOptions& options) {
  if (options.heads == Heads::kOff || options.task != Task::kGenerate || !options.draft_path.empty()) return false;
  // What two contexts over tensors in parts take is not measured before it is allocated, where llama.cpp ends the
  // process if it does not fit.
  if (options.split_mode == SplitMode::kTensor) return false;
  const GgufPtr gguf = ReadGgufHeader(options.model_path);
  if (gguf == nullptr) return false;
  const std::string architecture = GgufText(gguf.get(), "general.architecture");
  return std::ranges::find(kArchitectures, architecture) != kArchitectures.end() &&
         GgufValues(gguf.get()).Number(architecture + ".nextn_predict_layers").value_or(0) > 0;
}

}  // namespace medinfer
