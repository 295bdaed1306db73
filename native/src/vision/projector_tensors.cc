#include "vision/projector_tensors.h"

#include <algorithm>
#include <array>
#include <vector>

#include "ggml.h"
#include "gguf.h"

namespace medinfer {
namespace {

// Where the width of the output stands, for the projectors that medical models use.
struct Output {
  const char* type;
  const char* tensor;
  int dimension;
};
constexpr std::array<Output, 7> kOutputs = {{
    {"mlp", "mm.2.weight", 1},
    {"mlp_norm", "mm.3.weight", 1},
    {"qwen2vl_merger", "mm.2.bias", 0},
    {"qwen2.5vl_merger", "mm.2.bias", 0},
    {"gemma3", "mm.input_projection.weight", 0},
    {"idefics3", "mm.model.fc.weight", 1},
    {"internvl", "mm.model.mlp.3.weight", 1},
}};

// REQUIRES: the key is there, of that type.
std::uint32_t ReadU32(const gguf_context* gguf, const char* key) {
  return gguf_get_val_u32(gguf, gguf_find_key(gguf, key));
}

// Indices and the like are no weights, and their kernels are not there.
bool IsWeight(ggml_type type) {
  return type == GGML_TYPE_F32 || type == GGML_TYPE_F16 || type == GGML_TYPE_BF16 || ggml_is_quantized(type);
}

std::string FindBadShape(const gguf_context* gguf) {
  const std::int64_t n_tensors = gguf_get_n_tensors(gguf);
  for (std::int64_t i = 0; i < n_tensors; ++i) {
    const std::string name = "the tensor " + std::string(gguf_get_tensor_name(gguf, i)).substr(0, 80);
    const ggml_type type = gguf_get_tensor_type(gguf, i);
    if (!IsWeight(type)) return name + " has the type " + ggml_type_name(type);
    const std::int64_t* shape = gguf_get_tensor_ne(gguf, i);
    if (std::any_of(shape, shape + GGML_MAX_DIMS, [](std::int64_t size) { return size < 1; })) {
      return name + " is empty";
    }
  }
  return {};
}

std::string FindMissing(const gguf_context* gguf, const std::string& kind) {
  const auto missing = [&](const std::string& name) { return gguf_find_tensor(gguf, name.c_str()) < 0; };
  const auto known = std::find_if(kOutputs.begin(), kOutputs.end(), [&](const Output& o) { return kind == o.type; });
  std::vector<std::string> names;
  if (known != kOutputs.end()) names = {"v.patch_embd.weight", known->tensor};
  if (kind == "mlp_norm") {
    names.insert(names.end(), {"v.position_embd.weight", "mm.0.weight", "mm.0.bias", "mm.1.weight", "mm.1.bias",
                               "mm.3.bias", "mm.4.weight", "mm.4.bias"});
  }
  if (kind == "mlp") names.insert(names.end(), {"v.position_embd.weight", "mm.0.weight", "mm.0.bias", "mm.2.bias"});
  if (kind == "internvl") names.insert(names.end(), {"v.position_embd.weight", "v.class_embd"});
  if (kind == "gemma3") names.insert(names.end(), {"v.position_embd.weight", "mm.soft_emb_norm.weight"});
  // Towers of other parts, as MobileNet's, have no such blocks.
  const bool blocks = !missing("v.blk.0.attn_out.weight");
  const std::uint32_t n_blocks = blocks ? ReadU32(gguf, "clip.vision.block_count") : 0;
  for (std::uint32_t i = 0; i < n_blocks; ++i) {
    const std::string block = "v.blk." + std::to_string(i) + ".attn_";
    if (!missing(block + "qkv.weight")) continue;
    for (const char* part : {"q", "k", "v"}) names.push_back(block + part + ".weight");
  }
  const auto found = std::find_if(names.begin(), names.end(), missing);
  return found == names.end() ? std::string() : "it has no tensor " + *found;
}

std::string FindBadPositions(const gguf_context* gguf, const std::string& kind) {
  const std::int64_t id = gguf_find_tensor(gguf, "v.position_embd.weight");
  if (id < 0) return {};
  // Its table is copied as it is.
  if (kind == "hunyuanvl" && gguf_get_tensor_type(gguf, id) != GGML_TYPE_F32) {
    return "its position embeddings are not of the type f32";
  }
  if (kind != "mlp" && kind != "mlp_norm") return {};
  // The LLaVA family has a learned position for each patch of one fixed size of image.
  const std::int64_t side = ReadU32(gguf, "clip.vision.image_size") / ReadU32(gguf, "clip.vision.patch_size");
  const std::int64_t needed = side * side + (gguf_find_tensor(gguf, "v.class_embd") >= 0 ? 1 : 0);
  const std::int64_t* shape = gguf_get_tensor_ne(gguf, id);
  return shape[1] < needed || shape[0] != ReadU32(gguf, "clip.vision.embedding_length")
             ? "its position embeddings do not fit its image size"
             : std::string();
}

}  // namespace

std::string FindBadProjectorTensor(const gguf_context* gguf, const std::string& kind) {
  if (std::string why = FindBadShape(gguf); !why.empty()) return why;
  if (std::string why = FindMissing(gguf, kind); !why.empty()) return why;
  return FindBadPositions(gguf, kind);
}

std::uint32_t ProjectorWidth(const gguf_context* gguf, const std::string& kind) {
  for (const Output& output : kOutputs) {
    const std::int64_t tensor = kind == output.type ? gguf_find_tensor(gguf, output.tensor) : -1;
    if (tensor >= 0) return static_cast<std::uint32_t>(gguf_get_tensor_ne(gguf, tensor)[output.dimension]);
  }
  return 0;
}

}  // namespace medinfer
