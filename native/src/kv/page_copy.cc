#include "kv/page_copy.h"

#include <tuple>

extern "C" {
#include "hash/sha256/sha256.h"
}

namespace medinfer {
namespace {

static_assert(SHA256_DIGEST_SIZE == std::tuple_size_v<PagePath>);

PagePath Digest(const void* first, std::size_t n_first, const void* second, std::size_t n_second) {
  sha256_t hash{};
  sha256_init(&hash);
  sha256_update(&hash, static_cast<const unsigned char*>(first), n_first);
  if (n_second > 0) sha256_update(&hash, static_cast<const unsigned char*>(second), n_second);
  PagePath path;
  sha256_final(&hash, path.data());
  return path;
}

}  // namespace

PagePath RootPath(std::string_view salt) { return Digest("salt", 4, salt.data(), salt.size()); }

PagePath PathBelow(const PagePath& parent, std::span<const CellKey> keys) {
  return Digest(parent.data(), parent.size(), keys.data(), keys.size_bytes());
}

}  // namespace medinfer
