#include "kv/cell_key.h"

#include <cstring>

namespace medinfer {

CellKey MediaKey(std::span<const std::uint8_t, 32> digest, std::uint32_t offset) {
  // Each key carries one quarter of the digest, unhashed but for a bijection: so four cells in a row carry all of it,
  // less one bit each for the tag. A digest hashed to 64 bits would be the same in every cell of the chunk.
  std::uint64_t quarter = 0;
  std::memcpy(&quarter, digest.subspan((offset % 4) * sizeof(quarter)).data(), sizeof(quarter));
  return kMediaTag | MixBits(quarter + offset);
}

}  // namespace medinfer
