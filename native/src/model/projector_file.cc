#include "model/projector_file.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <filesystem>
#include <memory>
#include <system_error>
#include <utility>
#include <vector>

#include "gguf.h"
#include "model/model.h"

namespace medinfer {
namespace {

struct GgufDeleter {
  void operator()(gguf_context* gguf) const { gguf_free(gguf); }
};
using GgufPtr = std::unique_ptr<gguf_context, GgufDeleter>;

struct Key {
  const char* name;
  gguf_type type;
  bool required;
  gguf_type element = GGUF_TYPE_COUNT;  // of an array
};

// The keys that libmtmd reads for every projector; it ends the process where a type differs.
constexpr std::array<Key, 17> kKeys = {{
    {"clip.has_vision_encoder", GGUF_TYPE_BOOL, true},
    {"clip.has_audio_encoder", GGUF_TYPE_BOOL, false},
    {"clip.use_gelu", GGUF_TYPE_BOOL, false},
    {"clip.use_silu", GGUF_TYPE_BOOL, false},
    {"clip.projector_type", GGUF_TYPE_STRING, false},
    {"clip.vision.projector_type", GGUF_TYPE_STRING, false},
    {"clip.vision.image_size", GGUF_TYPE_UINT32, true},
    {"clip.vision.patch_size", GGUF_TYPE_UINT32, true},
    {"clip.vision.embedding_length", GGUF_TYPE_UINT32, true},
    {"clip.vision.feed_forward_length", GGUF_TYPE_UINT32, true},
    {"clip.vision.block_count", GGUF_TYPE_UINT32, true},
    {"clip.vision.projection_dim", GGUF_TYPE_UINT32, true},
    {"clip.vision.attention.head_count", GGUF_TYPE_UINT32, true},
    {"clip.vision.attention.layer_norm_epsilon", GGUF_TYPE_FLOAT32, true},
    {"clip.vision.image_mean", GGUF_TYPE_ARRAY, true, GGUF_TYPE_FLOAT32},
    {"clip.vision.image_std", GGUF_TYPE_ARRAY, true, GGUF_TYPE_FLOAT32},
    {"clip.vision.image_grid_pinpoints", GGUF_TYPE_ARRAY, false, GGUF_TYPE_INT32},
}};

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

std::string ReadString(const gguf_context* gguf, const char* key) {
  const std::int64_t id = gguf_find_key(gguf, key);
  return id >= 0 && gguf_get_kv_type(gguf, id) == GGUF_TYPE_STRING ? gguf_get_val_str(gguf, id) : std::string();
}

// REQUIRES: the key is there, of that type.
std::uint32_t ReadU32(const gguf_context* gguf, const char* key) {
  return gguf_get_val_u32(gguf, gguf_find_key(gguf, key));
}

// These kinds have no size that their images are made for, and the converter writes 0.
bool TakesAnySize(const std::string& type) { return type == "dots_ocr" || type == "dots3note_v"; }

// What is wrong with the metadata; empty: nothing.
std::string FindBadKey(const gguf_context* gguf) {
  for (const Key& key : kKeys) {
    const std::int64_t id = gguf_find_key(gguf, key.name);
    if (id < 0) {
      if (key.required) return std::string("it has no ") + key.name;
      continue;
    }
    const bool right = gguf_get_kv_type(gguf, id) == key.type &&
                       (key.type != GGUF_TYPE_ARRAY || gguf_get_arr_type(gguf, id) == key.element);
    if (!right) return std::string(key.name) + " has the wrong type";
  }
  return {};
}

// Bounds far beyond any model, and far below what overflows.
std::string FindBadValue(const gguf_context* gguf, const std::string& type) {
  // Gemma 4's unified models have no layers: pixels are projected at once. A ConvNeXt has stages, and no blocks.
  const bool layerless = type == "gemma4uv";
  const bool blockless = layerless || type == "yasa2";
  const std::uint32_t image_size = ReadU32(gguf, "clip.vision.image_size");
  const bool any_size = image_size == 0 && TakesAnySize(type);
  const auto out_of_range = [&](const char* key, std::uint32_t most) {
    const std::uint32_t value = ReadU32(gguf, key);
    return value < 1 || value > most;
  };
  if (!any_size && out_of_range("clip.vision.image_size", 1U << 14U)) return "clip.vision.image_size is out of range";
  for (const auto& [key, most] : std::initializer_list<std::pair<const char*, std::uint32_t>>{
           {"clip.vision.patch_size", 1U << 12U},
           {"clip.vision.embedding_length", 1U << 20U},
       }) {
    if (out_of_range(key, most)) return std::string(key) + " is out of range";
  }
  const std::uint32_t blocks = ReadU32(gguf, "clip.vision.block_count");
  if (blocks > (1U << 10U) || (blocks == 0 && !blockless)) return "clip.vision.block_count is out of range";
  if (!layerless && out_of_range("clip.vision.attention.head_count", 1U << 12U)) {
    return "clip.vision.attention.head_count is out of range";
  }
  if (!any_size && image_size < ReadU32(gguf, "clip.vision.patch_size")) return "its images are smaller than a patch";
  const bool own_head_size = gguf_find_key(gguf, "clip.vision.attention.head_dim") >= 0;
  if (!own_head_size && !layerless &&
      ReadU32(gguf, "clip.vision.embedding_length") % ReadU32(gguf, "clip.vision.attention.head_count") != 0) {
    return "clip.vision.embedding_length does not divide into its heads";
  }
  const std::int64_t std_id = gguf_find_key(gguf, "clip.vision.image_std");
  const auto* deviations = static_cast<const float*>(gguf_get_arr_data(gguf, std_id));
  const bool usable = std::all_of(deviations, deviations + gguf_get_arr_n(gguf, std_id),
                                  [](float value) { return std::isfinite(value) && value != 0; });
  if (!usable) return "clip.vision.image_std is not usable";
  // Tiles are cut from these sizes; one that is not square would be refused in mid-encode.
  const std::int64_t grid_id = gguf_find_key(gguf, "clip.vision.image_grid_pinpoints");
  if (grid_id >= 0) {
    const auto* sides = static_cast<const std::int32_t*>(gguf_get_arr_data(gguf, grid_id));
    const auto side = static_cast<std::int32_t>(image_size);
    const bool whole_tiles =
        side > 0 && std::all_of(sides, sides + gguf_get_arr_n(gguf, grid_id), [&](std::int32_t value) {
          return value > 0 && value <= 64 * side && value % side == 0;
        });
    if (!whole_tiles) return "clip.vision.image_grid_pinpoints does not consist of whole tiles";
  }
  return {};
}

// The LLaVA family has a learned position for each patch of one fixed size of image.
std::string FindBadPositions(const gguf_context* gguf, const std::string& type) {
  const std::int64_t id = gguf_find_tensor(gguf, "v.position_embd.weight");
  if ((type != "mlp" && type != "mlp_norm") || id < 0) return {};
  const std::int64_t side = ReadU32(gguf, "clip.vision.image_size") / ReadU32(gguf, "clip.vision.patch_size");
  const std::int64_t needed = side * side + (gguf_find_tensor(gguf, "v.class_embd") >= 0 ? 1 : 0);
  const std::int64_t* shape = gguf_get_tensor_ne(gguf, id);
  return shape[1] < needed || shape[0] != ReadU32(gguf, "clip.vision.embedding_length")
             ? "its position embeddings do not fit its image size"
             : std::string();
}

// A missing tensor counts as an optional one until it is used. Names one that every model of the kind has; empty: none
// is missing.
std::string FindMissingTensor(const gguf_context* gguf, const std::string& type) {
  const auto missing = [&](const std::string& name) { return gguf_find_tensor(gguf, name.c_str()) < 0; };
  const auto known = std::find_if(kOutputs.begin(), kOutputs.end(), [&](const Output& o) { return type == o.type; });
  if (known == kOutputs.end()) return {};
  std::vector<std::string> names = {"v.patch_embd.weight", known->tensor};
  if (type == "mlp_norm") {
    names.insert(names.end(), {"v.position_embd.weight", "mm.0.weight", "mm.0.bias", "mm.1.weight", "mm.1.bias",
                               "mm.3.bias", "mm.4.weight", "mm.4.bias"});
  }
  if (type == "mlp") names.insert(names.end(), {"v.position_embd.weight", "mm.0.weight", "mm.0.bias", "mm.2.bias"});
  if (type == "internvl") names.insert(names.end(), {"v.position_embd.weight", "v.class_embd"});
  if (type == "gemma3") names.insert(names.end(), {"v.position_embd.weight", "mm.soft_emb_norm.weight"});
  const std::uint32_t n_blocks = ReadU32(gguf, "clip.vision.block_count");
  for (std::uint32_t i = 0; i < n_blocks; ++i) {
    const std::string block = "v.blk." + std::to_string(i) + ".attn_";
    if (!missing(block + "qkv.weight")) continue;
    for (const char* part : {"q", "k", "v"}) names.push_back(block + part + ".weight");
  }
  const auto found = std::find_if(names.begin(), names.end(), missing);
  return found == names.end() ? std::string() : "it has no tensor " + *found;
}

}  // namespace

Result<ProjectorFile> InspectProjectorFile(const std::string& path) {
  if (Status status = CheckGgufFile(path, "the projector", Code::kModelNotFound, Code::kBadMmproj); !status.ok()) {
    return status;
  }
  const auto bad = [&](const std::string& why, const char* advice) {
    return Status(Code::kBadMmproj, "the projector " + path + " can not be used: " + why + "; " + advice);
  };
  constexpr const char* kAgain = "download it again";
  gguf_init_params params = {};
  params.no_alloc = true;
  const GgufPtr gguf(gguf_init_from_file(path.c_str(), params));
  if (gguf == nullptr) return bad("its header is damaged or cut off", kAgain);

  const std::string architecture = ReadString(gguf.get(), "general.architecture");
  if (architecture != "clip") {
    return bad("it is a model of the architecture \"" + architecture + "\", not a projector",
               "name the mmproj file that was published with the model");
  }
  const std::int64_t vision = gguf_find_key(gguf.get(), "clip.has_vision_encoder");
  if (vision < 0 ||
      (gguf_get_kv_type(gguf.get(), vision) == GGUF_TYPE_BOOL && !gguf_get_val_bool(gguf.get(), vision))) {
    return bad("it has no vision encoder", "name a projector for images");
  }
  if (const std::string why = FindBadKey(gguf.get()); !why.empty()) return bad(why, kAgain);

  ProjectorFile file;
  file.type = ReadString(gguf.get(), "clip.projector_type");
  if (file.type.empty()) file.type = ReadString(gguf.get(), "clip.vision.projector_type");
  // Yi-VL's files say "mlp", and libmtmd tells them by this tensor.
  if (file.type == "mlp" && gguf_find_tensor(gguf.get(), "mm.3.weight") >= 0) file.type = "mlp_norm";
  if (const std::string why = FindBadValue(gguf.get(), file.type); !why.empty()) return bad(why, kAgain);
  if (const std::string why = FindMissingTensor(gguf.get(), file.type); !why.empty()) return bad(why, kAgain);
  if (const std::string why = FindBadPositions(gguf.get(), file.type); !why.empty()) return bad(why, kAgain);

  std::error_code error;
  const std::uint64_t size = std::filesystem::file_size(path, error);
  const std::uint64_t data = gguf_get_data_offset(gguf.get());
  const std::int64_t n_tensors = gguf_get_n_tensors(gguf.get());
  for (std::int64_t i = 0; i < n_tensors; ++i) {
    const std::uint64_t begin = data + gguf_get_tensor_offset(gguf.get(), i);
    const std::uint64_t bytes = gguf_get_tensor_size(gguf.get(), i);
    if (error || begin > size || bytes > size - begin) return bad("the file is truncated", kAgain);
    file.tensor_bytes += bytes;
  }
  for (const Output& output : kOutputs) {
    const std::int64_t tensor = file.type == output.type ? gguf_find_tensor(gguf.get(), output.tensor) : -1;
    if (tensor >= 0) {
      file.output_width = static_cast<std::uint32_t>(gguf_get_tensor_ne(gguf.get(), tensor)[output.dimension]);
    }
  }
  return file;
}

}  // namespace medinfer
