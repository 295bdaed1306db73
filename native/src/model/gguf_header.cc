#include "model/gguf_header.h"

#include <cstdint>

#include "gguf.h"

namespace medinfer {

void GgufDeleter::operator()(gguf_context* gguf) const { gguf_free(gguf); }

GgufPtr ReadGgufHeader(const std::string& path) {
  gguf_init_params params = {};
  params.no_alloc = true;
  return GgufPtr(gguf_init_from_file(path.c_str(), params));
}

std::string GgufText(const gguf_context* gguf, const std::string& key) {
  const std::int64_t id = gguf_find_key(gguf, key.c_str());
  return id >= 0 && gguf_get_kv_type(gguf, id) == GGUF_TYPE_STRING ? gguf_get_val_str(gguf, id) : std::string();
}

}  // namespace medinfer
