#include "vision/projector_values.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <span>
#include <string_view>

#include "gguf.h"

namespace medinfer {
namespace {

// A number that libmtmd reads, where the file has it. Bounds are far beyond every model that is known, and far below
// what overflows or takes all memory.
struct Number {
  const char* key;
  std::uint32_t least;
  std::uint32_t most;
  bool required = false;
};
constexpr std::array<Number, 24> kNumbers = {{
    {"clip.vision.image_size", 0, 4096, true},
    {"clip.vision.patch_size", 1, 128, true},
    {"clip.vision.embedding_length", 1, 1U << 16U, true},
    {"clip.vision.feed_forward_length", 0, 1U << 20U, true},
    {"clip.vision.block_count", 0, 1024, true},
    {"clip.vision.projection_dim", 0, 1U << 20U, true},
    {"clip.vision.attention.head_count", 0, 4096, true},
    {"clip.vision.attention.head_count_kv", 0, 4096},
    {"clip.vision.attention.head_dim", 0, 4096},
    {"clip.vision.projector.scale_factor", 1, 16},
    {"clip.vision.projector.query_side", 1, 256},
    {"clip.vision.projector.window_side", 1, 256},
    {"clip.vision.spatial_merge_size", 1, 16},
    {"clip.vision.image_min_pixels", 1, 1U << 22U},
    {"clip.vision.image_max_pixels", 1, 1U << 28U},
    {"clip.vision.preproc_image_size", 0, 1U << 14U},
    {"clip.vision.preproc_min_tiles", 0, 64},
    {"clip.vision.preproc_max_tiles", 0, 64},
    {"clip.vision.n_wa_pattern", 0, 1024},
    {"clip.vision.window_size", 1, 4096},
    {"clip.vision.expert_used_count", 1, 1024},
    {"clip.vision.sam.head_count", 1, 4096},
    {"clip.vision.sam.block_count", 1, 1024},
    {"clip.vision.sam.embedding_length", 1, 1U << 16U},
}};

struct Typed {
  const char* key;
  gguf_type type;
  gguf_type element = GGUF_TYPE_COUNT;  // of an array
  bool required = false;
};
constexpr std::array<Typed, 19> kTyped = {{
    {"clip.has_vision_encoder", GGUF_TYPE_BOOL, GGUF_TYPE_COUNT, true},
    {"clip.has_audio_encoder", GGUF_TYPE_BOOL},
    {"clip.has_gen_audio_encoder", GGUF_TYPE_BOOL},
    {"clip.use_gelu", GGUF_TYPE_BOOL},
    {"clip.use_silu", GGUF_TYPE_BOOL},
    {"clip.projector_type", GGUF_TYPE_STRING},
    {"clip.vision.projector_type", GGUF_TYPE_STRING},
    {"clip.vision.mm_patch_merge_type", GGUF_TYPE_STRING},
    {"general.name", GGUF_TYPE_STRING},
    {"general.description", GGUF_TYPE_STRING},
    {"clip.minicpmv_version", GGUF_TYPE_INT32},
    {"clip.vision.attention.layer_norm_epsilon", GGUF_TYPE_FLOAT32, GGUF_TYPE_COUNT, true},
    {"clip.vision.image_mean", GGUF_TYPE_ARRAY, GGUF_TYPE_FLOAT32, true},
    {"clip.vision.image_std", GGUF_TYPE_ARRAY, GGUF_TYPE_FLOAT32, true},
    {"clip.vision.feature_layer", GGUF_TYPE_ARRAY, GGUF_TYPE_INT32},
    {"clip.vision.image_grid_pinpoints", GGUF_TYPE_ARRAY, GGUF_TYPE_INT32},
    {"clip.vision.projector.spatial_offsets", GGUF_TYPE_ARRAY, GGUF_TYPE_INT32},
    {"clip.vision.wa_layer_indexes", GGUF_TYPE_ARRAY, GGUF_TYPE_INT32},
    {"clip.vision.wa_pattern_mode", GGUF_TYPE_ARRAY, GGUF_TYPE_INT32},
}};

// Most patches along a side of a picture of one size, and most tiles of a picture: attention is quadratic.
constexpr std::uint32_t kMostPatches = 256;
constexpr std::uint32_t kMostTilesAlong = 16;
constexpr std::int64_t kMostTiles = 64;

bool IsOneOf(std::string_view kind, std::initializer_list<std::string_view> kinds) {
  return std::find(kinds.begin(), kinds.end(), kind) != kinds.end();
}

class Reader {
 public:
  Reader(const gguf_context* gguf, const std::string& kind) : gguf_(gguf), kind_(kind) {}

  std::string Check() const {
    for (const auto find : {&Reader::BadType, &Reader::BadNumber, &Reader::BadPicture, &Reader::BadLayers,
                            &Reader::BadColours, &Reader::BadTiles, &Reader::BadMerge, &Reader::BadWindow}) {
      if (std::string why = (this->*find)(); !why.empty()) return why;
    }
    return {};
  }

 private:
  bool Has(const char* key) const { return gguf_find_key(gguf_, key) >= 0; }
  // REQUIRES (both): BadType found nothing.
  std::uint32_t U32(const char* key, std::uint32_t otherwise = 0) const {
    const std::int64_t id = gguf_find_key(gguf_, key);
    return id < 0 ? otherwise : gguf_get_val_u32(gguf_, id);
  }
  template <typename T>
  std::span<const T> Array(const char* key) const {
    const std::int64_t id = gguf_find_key(gguf_, key);
    if (id < 0 || gguf_get_arr_n(gguf_, id) == 0) return {};
    return {static_cast<const T*>(gguf_get_arr_data(gguf_, id)), gguf_get_arr_n(gguf_, id)};
  }

  std::string Wrong(const char* key, const std::string& rule) const {
    return (Has(key) ? std::string(key) + " is " + std::to_string(U32(key)) : std::string("it has no ") + key) + ": " +
           rule;
  }

  std::string BadType() const {
    const auto check = [&](const char* key, gguf_type type, gguf_type element, bool required) -> std::string {
      const std::int64_t id = gguf_find_key(gguf_, key);
      if (id < 0) return required ? std::string("it has no ") + key : std::string();
      const gguf_type found = gguf_get_kv_type(gguf_, id);
      if (found != type) {
        return std::string(key) + " has the type " + gguf_type_name(found) + ", not " + gguf_type_name(type);
      }
      const bool wrong_elements = type == GGUF_TYPE_ARRAY && gguf_get_arr_type(gguf_, id) != element;
      return wrong_elements ? std::string(key) + " is a list of " + gguf_type_name(gguf_get_arr_type(gguf_, id)) +
                                  ", not of " + gguf_type_name(element)
                            : std::string();
    };
    for (const Number& number : kNumbers) {
      if (std::string why = check(number.key, GGUF_TYPE_UINT32, GGUF_TYPE_COUNT, number.required); !why.empty()) {
        return why;
      }
    }
    if (std::string why = check("clip.minicpmv_query_num", GGUF_TYPE_UINT32, GGUF_TYPE_COUNT, false); !why.empty()) {
      return why;
    }
    for (const Typed& typed : kTyped) {
      if (std::string why = check(typed.key, typed.type, typed.element, typed.required); !why.empty()) return why;
    }
    return {};
  }

  std::string BadNumber() const {
    for (const Number& number : kNumbers) {
      if (!Has(number.key)) continue;
      const std::uint32_t value = U32(number.key);
      if (value < number.least || value > number.most) {
        return Wrong(number.key,
                     "it must be from " + std::to_string(number.least) + " to " + std::to_string(number.most));
      }
    }
    if (U32("clip.minicpmv_query_num") > 4096) return Wrong("clip.minicpmv_query_num", "it must be at most 4096");
    return {};
  }

  // Sizes of the picture and of its patches.
  std::string BadPicture() const {
    constexpr const char* kSize = "clip.vision.image_size";
    const std::uint32_t size = U32(kSize);
    const std::uint32_t patch = U32("clip.vision.patch_size");
    // These kinds have no size that their images are made for, and the converter writes 0.
    if (size == 0 && IsOneOf(kind_, {"dots_ocr", "dots3note_v"})) return {};
    if (size < patch) return Wrong(kSize, "its images are smaller than a patch of " + std::to_string(patch));
    if (size / patch > kMostPatches) {
      return Wrong(kSize, "it has more than " + std::to_string(kMostPatches) + " patches of " + std::to_string(patch) +
                              " along a side");
    }
    const std::uint32_t least = U32("clip.vision.image_min_pixels");
    if (least / (patch * patch) > kMostPatches * kMostPatches) {
      return Wrong("clip.vision.image_min_pixels", "that is too many patches of " + std::to_string(patch));
    }
    const char* most = "clip.vision.image_max_pixels";
    if (Has(most) && U32(most) < std::max(least, patch * patch)) {
      return Wrong(most, "it must be at least image_min_pixels and a patch");
    }
    return {};
  }

  std::string BadLayers() const {
    // Gemma 4's unified models have no layers: pixels are projected at once. A ConvNeXt has stages, and no blocks.
    const bool layerless = kind_ == "gemma4uv";
    const std::uint32_t layers = U32("clip.vision.block_count");
    if (layers == 0 && !layerless && kind_ != "yasa2") return Wrong("clip.vision.block_count", "it must be at least 1");
    const std::uint32_t heads = U32("clip.vision.attention.head_count");
    if (!layerless) {
      if (heads == 0) return Wrong("clip.vision.attention.head_count", "it must be at least 1");
      const std::uint32_t own = U32("clip.vision.attention.head_dim");
      const std::uint32_t width = U32("clip.vision.embedding_length");
      if (own == 0 && width % heads != 0) {
        return Wrong("clip.vision.embedding_length", "it does not divide into " + std::to_string(heads) + " heads");
      }
      constexpr const char* kShared = "clip.vision.attention.head_count_kv";
      if (Has(kShared) && (U32(kShared) == 0 || heads % U32(kShared) != 0)) {
        return Wrong(kShared, std::to_string(heads) + " heads cannot share it evenly");
      }
    }
    const std::int64_t eps_id = gguf_find_key(gguf_, "clip.vision.attention.layer_norm_epsilon");
    const float eps = gguf_get_val_f32(gguf_, eps_id);
    if (!(eps >= 0 && eps <= 1)) {
      return "clip.vision.attention.layer_norm_epsilon is " + std::to_string(eps) + ": it must be from 0 to 1";
    }
    const auto taken = Array<std::int32_t>("clip.vision.feature_layer");
    for (const std::int32_t layer : taken) {
      // -1 stands for none.
      if (layer < -1 || layer > static_cast<std::int32_t>(layers)) {
        return "clip.vision.feature_layer holds " + std::to_string(layer) + ": the tower has " +
               std::to_string(layers) + " layers";
      }
    }
    constexpr const char* kOffsets = "clip.vision.projector.spatial_offsets";
    const std::size_t offsets = Array<std::int32_t>(kOffsets).size();
    if (kind_ == "granite4_vision" && taken.size() != offsets) {
      return "clip.vision.feature_layer holds " + std::to_string(taken.size()) + " layers, and " + kOffsets + " " +
             std::to_string(offsets) + " offsets: each layer has one";
    }
    if (!taken.empty() && *std::max_element(taken.begin(), taken.end()) < 0) {
      return "clip.vision.feature_layer names no layer";
    }
    return {};
  }

  std::string BadColours() const {
    for (const char* key : {"clip.vision.image_mean", "clip.vision.image_std"}) {
      const auto values = Array<float>(key);
      if (values.size() < 3) {
        return std::string(key) + " holds " + std::to_string(values.size()) + " values: it must hold 3";
      }
      const bool divides = std::string_view(key).ends_with("std");
      for (const float value : values) {
        const bool usable = std::abs(value) <= 1e6F && (!divides || std::abs(value) >= 1e-6F);
        if (!usable) return std::string(key) + " holds " + std::to_string(value) + ", which no colour is scaled by";
      }
    }
    return {};
  }

  // Tiles are cut from these sizes; one that is not square would be refused in mid-encode.
  std::string BadTiles() const {
    constexpr const char* kKey = "clip.vision.image_grid_pinpoints";
    const auto sides = Array<std::int32_t>(kKey);
    const auto side = static_cast<std::int64_t>(U32("clip.vision.image_size"));
    if (sides.size() % 2 != 0) return std::string(kKey) + " holds an odd number of sides";
    if (sides.size() > 1024) return std::string(kKey) + " holds more than 512 sizes";
    for (std::size_t i = 0; i < sides.size(); i += 2) {
      const std::int64_t width = sides[i];
      const std::int64_t height = sides[i + 1];
      const bool whole = side > 0 && width > 0 && height > 0 && width % side == 0 && height % side == 0;
      if (!whole || (width / side) * (height / side) > kMostTiles) {
        return std::string(kKey) + " holds " + std::to_string(width) + " x " + std::to_string(height) +
               ": it must be up to " + std::to_string(kMostTiles) + " whole tiles of " + std::to_string(side);
      }
    }
    if (sides.empty() && kind_ == "granite4_vision") return std::string("it has no ") + kKey;
    if (U32("clip.vision.preproc_min_tiles") > U32("clip.vision.preproc_max_tiles", kMostTilesAlong)) {
      return Wrong("clip.vision.preproc_min_tiles", "it is more than preproc_max_tiles");
    }
    constexpr const char* kEdge = "clip.vision.preproc_image_size";
    // Idefics enlarges every image to this edge, and cuts it into tiles of image_size.
    if (kind_ == "idefics3" && U32(kEdge) > kMostTilesAlong * side) {
      return Wrong(kEdge, "that is more than " + std::to_string(kMostTilesAlong) + " tiles of " + std::to_string(side) +
                              " along a side");
    }
    return {};
  }

  // How many patches along a side become one token.
  std::string BadMerge() const {
    constexpr const char* kMerge = "clip.vision.spatial_merge_size";
    constexpr const char* kScale = "clip.vision.projector.scale_factor";
    // Their code has this number in it as well as in the file, and writes past its arrays where they differ.
    const bool by_two = IsOneOf(kind_, {"qwen2vl_merger", "qwen2.5vl_merger", "qwen2.5o", "qwen3vl_merger", "exaone4_5",
                                        "mimovl", "minimax_m3", "youtuvl", "glm4v", "muse-glimmer"});
    if (by_two && U32(kMerge, 2) != 2) return Wrong(kMerge, "models of this kind merge 2 x 2 patches");
    if (kind_ == "minicpmv4_6" && U32(kScale, 4) != 2 && U32(kScale, 4) != 4) {
      return Wrong(kScale, "models of this kind merge 2 x 2 or 4 x 4 patches");
    }
    const bool shuffles = IsOneOf(kind_, {"nemotron_v2_vl", "idefics3", "internvl", "lfm2", "kimivl", "kimik25"});
    if (shuffles && U32(kScale) < 2) return Wrong(kScale, "models of this kind merge at least 2 x 2 patches");
    return {};
  }

  // Attention within windows of patches, in walks over the picture that would not move on with windows of none.
  std::string BadWindow() const {
    constexpr const char* kWindow = "clip.vision.window_size";
    constexpr const char* kPatch = "clip.vision.patch_size";
    const std::uint32_t patch = U32(kPatch);
    // A window of patches is a table of positions and a mask of each patch for each other one.
    constexpr std::uint32_t kMostOfWindow = 64;
    if (IsOneOf(kind_, {"deepseekocr", "deepseekocr2"}) && U32(kWindow) > kMostOfWindow) {
      return Wrong(kWindow, "it must be at most " + std::to_string(kMostOfWindow) + " patches");
    }
    const bool fixed_window = IsOneOf(kind_, {"qwen2.5vl_merger", "qwen2.5o", "exaone4_5"});
    if (fixed_window && U32("clip.vision.n_wa_pattern") > 0 && patch > 56) {
      return Wrong(kPatch, "windows of 112 hold no two such patches");
    }
    if (kind_ == "youtuvl" && U32(kWindow) < 2 * patch) {
      return Wrong(kWindow, "it holds no two patches of " + std::to_string(patch));
    }
    if (kind_ == "granite4_vision") {
      constexpr const char* kSide = "clip.vision.projector.window_side";
      const std::uint32_t along = U32("clip.vision.image_size") / patch;
      if (U32(kSide) == 0 || along % U32(kSide) != 0 || along % 2 != 0) {
        return Wrong(kSide, "a picture of " + std::to_string(along) + " patches along a side has no such windows");
      }
      if (U32("clip.vision.projector.query_side") == 0) return "it has no clip.vision.projector.query_side";
    }
    return {};
  }

  const gguf_context* gguf_;
  const std::string& kind_;
};

}  // namespace

std::string FindBadProjectorValue(const gguf_context* gguf, const std::string& kind) {
  return Reader(gguf, kind).Check();
}

}  // namespace medinfer
