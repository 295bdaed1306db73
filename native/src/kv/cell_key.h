// What a cell of the KV pool holds, as far as sharing is concerned: two sequences whose keys are equal from the start
// compute the same cells.
//
// Invariants:
//   - different tokens have different keys, and no token has the key of a piece of media;
//   - the keys of four cells of a chunk hold 252 of the 256 bits of the SHA-256 of what it was made from, so two files
//     cannot be taken for each other (63 bits per cell in a chunk of fewer cells).
#pragma once

#include <cstdint>
#include <span>

namespace medinfer {

using CellKey = std::uint64_t;

// A bijection that spreads every bit over all others (the finaliser of splitmix64).
constexpr std::uint64_t MixBits(std::uint64_t x) {
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9U;
  x = (x ^ (x >> 27)) * 0x94d049bb133111ebU;
  return x ^ (x >> 31);
}

constexpr CellKey kMediaTag = CellKey{1} << 63;

constexpr bool IsMedia(CellKey key) { return (key & kMediaTag) != 0; }

constexpr CellKey TokenKey(std::int32_t token) { return static_cast<std::uint32_t>(token); }

// Cell `offset` of what an encoder made of a file. `digest` is SHA-256 over the file and all that shapes the encoder's
// output (the projector, preprocessing). One key alone says little: a match must never end inside a chunk.
CellKey MediaKey(std::span<const std::uint8_t, 32> digest, std::uint32_t offset);

}  // namespace medinfer
