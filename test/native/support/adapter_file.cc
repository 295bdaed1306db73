#include "support/adapter_file.h"

#include <ggml-cpp.h>
#include <gguf.h>

#include <cstdint>
#include <random>
#include <string>

#include "llama-model.h"
#include "support/vision_models.h"

namespace medinfer::testing {
namespace {

constexpr std::int64_t kRank = 4;

}  // namespace

std::string RandomAdapterFile(const Model& model, int seed) {
  const std::string path = ScratchPath("adapter-" + std::to_string(seed) + ".gguf");
  const gguf_context_ptr file(gguf_init_empty());
  gguf_set_val_str(file.get(), "general.type", "adapter");
  gguf_set_val_str(file.get(), "general.architecture", model.Metadata("general.architecture").c_str());
  gguf_set_val_str(file.get(), "adapter.type", "lora");
  gguf_set_val_f32(file.get(), "adapter.lora.alpha", 8);
  const ggml_context_ptr tensors(ggml_init({64U << 20U, nullptr, false}));
  std::mt19937 random(static_cast<std::uint32_t>(seed));
  std::normal_distribution<float> normal(0, 0.1F);
  const auto add = [&](const std::string& name, std::int64_t width, std::int64_t rows) {
    ggml_tensor* tensor = ggml_new_tensor_2d(tensors.get(), GGML_TYPE_F32, width, rows);
    ggml_set_name(tensor, name.c_str());
    auto* values = static_cast<float*>(tensor->data);
    for (std::int64_t i = 0; i < width * rows; ++i) values[i] = normal(random);
    gguf_add_tensor(file.get(), tensor);
  };
  for (std::uint32_t layer = 0; layer < model.Describe().n_layer; ++layer) {
    for (const char* part : {"attn_q", "ffn_down"}) {
      const std::string weight = "blk." + std::to_string(layer) + "." + part + ".weight";
      const ggml_tensor* of_model = model.get()->get_tensor(weight.c_str());
      add(weight + ".lora_a", of_model->ne[0], kRank);
      add(weight + ".lora_b", kRank, of_model->ne[1]);
    }
  }
  gguf_write_to_file(file.get(), path.c_str(), false);
  return path;
}

}  // namespace medinfer::testing
