// Keys and values of preempted requests, in host memory, until they run again.
//
// A copy here is a shortcut: what has none is computed again. So the budget is never exceeded, a request that comes
// when it is spent goes without, and none is driven out. Not thread-safe: belongs to the engine thread. Knows no
// llama.h.
#pragma once

#include <cstdint>
#include <optional>
#include <unordered_map>
#include <vector>

#include "medinfer/ids.h"

namespace medinfer {

class SwapSpace {
 public:
  struct Cells {
    std::uint32_t count = 0;          // the first of the sequence
    std::vector<std::uint8_t> bytes;  // Decoder::ReadCells
  };

  // 0: nothing is ever kept.
  explicit SwapSpace(std::uint64_t budget) : budget_(budget) {}

  bool HasRoom(std::uint64_t bytes) const { return bytes <= budget_ - used_; }

  // REQUIRES: there is room for them, and the request has none here.
  void Keep(RequestId id, Cells cells);

  // What is kept of the request, which is then removed.
  std::optional<Cells> Take(RequestId id);

  // Bytes in use.
  std::uint64_t used() const { return used_; }

 private:
  std::uint64_t budget_;
  std::uint64_t used_ = 0;
  std::unordered_map<RequestId, Cells> kept_;
};

}  // namespace medinfer
