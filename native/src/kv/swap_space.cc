#include "kv/swap_space.h"

#include <utility>

namespace medinfer {

void SwapSpace::Keep(RequestId id, Cells cells) {
  used_ += cells.bytes.size();
  kept_.emplace(id, std::move(cells));
}

std::optional<SwapSpace::Cells> SwapSpace::Take(RequestId id) {
  const auto found = kept_.find(id);
  if (found == kept_.end()) return std::nullopt;
  Cells cells = std::move(found->second);
  kept_.erase(found);
  used_ -= cells.bytes.size();
  return cells;
}

}  // namespace medinfer
