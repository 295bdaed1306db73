#include "model/model_file.h"

#include <cstdint>
#include <string_view>
#include <unordered_set>

#include "base/excerpt.h"
#include "gguf.h"
#include "model/gguf_header.h"
#include "model/metadata_check.h"
#include "model/model.h"

namespace medinfer {
namespace {

// What the file is, where it is of a model and not one that can be loaded by itself; empty: it may be one.
std::string FindOtherUse(const gguf_context* gguf) {
  if (GgufText(gguf, "general.architecture") == "clip") {
    return "is a projector, the part that reads images: name it as mmproj, and the model that it belongs to as model";
  }
  if (GgufText(gguf, "general.type") == "adapter") {
    return "is an adapter (LoRA), which changes a model and is none: merge it into its model, and convert that to GGUF";
  }
  const std::int64_t part = gguf_find_key(gguf, "split.no");
  if (part >= 0 && gguf_get_kv_type(gguf, part) == GGUF_TYPE_UINT16 && gguf_get_val_u16(gguf, part) > 0) {
    return "is a later part of a split model: name the first, whose name ends with -00001-of- and their number";
  }
  return {};
}

// Empty tokens are no matter: llama.cpp gives each a name of its own.
bool HoldsTokenTwice(const gguf_context* gguf) {
  const std::int64_t key = gguf_find_key(gguf, "tokenizer.ggml.tokens");
  if (key < 0 || gguf_get_kv_type(gguf, key) != GGUF_TYPE_ARRAY || gguf_get_arr_type(gguf, key) != GGUF_TYPE_STRING) {
    return false;
  }
  const std::size_t count = gguf_get_arr_n(gguf, key);
  std::unordered_set<std::string_view> seen;
  seen.reserve(count);
  for (std::size_t i = 0; i < count; ++i) {
    const std::string_view token = gguf_get_arr_str(gguf, key, i);
    if (!token.empty() && !seen.insert(token).second) return true;
  }
  return false;
}

}  // namespace

Status CheckModelFile(const std::string& path) {
  if (Status status = CheckGgufFile(path, "the model", Code::kModelNotFound, Code::kBadGguf); !status.ok()) {
    return status;
  }
  const GgufPtr gguf = ReadGgufHeader(path);
  // A header that cannot be read is left to llama.cpp, which says more about it.
  if (gguf == nullptr) return {};
  const std::string subject = "the model " + ExcerptPath(path) + " ";
  if (const std::string use = FindOtherUse(gguf.get()); !use.empty()) return {Code::kBadGguf, subject + use};
  if (HoldsTokenTwice(gguf.get())) {
    return {Code::kBadGguf, subject + "is damaged: its vocabulary holds a token twice; download it again"};
  }
  if (const std::string why = FindBadMetadata(gguf.get()); !why.empty()) {
    return {Code::kBadGguf, subject + "cannot be used: " + why + "; download it again"};
  }
  return {};
}

}  // namespace medinfer
