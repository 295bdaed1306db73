#include "model/model_file.h"

#include <cstdint>
#include <memory>
#include <string_view>
#include <unordered_set>

#include "gguf.h"
#include "model/model.h"

namespace medinfer {
namespace {

struct GgufDeleter {
  void operator()(gguf_context* gguf) const { gguf_free(gguf); }
};

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
  gguf_init_params params = {};
  params.no_alloc = true;
  const std::unique_ptr<gguf_context, GgufDeleter> gguf(gguf_init_from_file(path.c_str(), params));
  // A header that can not be read is left to llama.cpp, which says more about it.
  if (gguf != nullptr && HoldsTokenTwice(gguf.get())) {
    return {Code::kBadGguf, "the model " + path + " is damaged: its vocabulary holds a token twice; download it again"};
  }
  return {};
}

}  // namespace medinfer
