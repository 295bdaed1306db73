#include "engine/pass_guard.h"

#include <algorithm>

namespace medinfer {

bool PassGuard::ShouldAbort() const {
  if (inbox->closed()) return true;
  return !pass.empty() && std::ranges::all_of(pass, [](const CancelFlag& flag) { return flag->load(); });
}

}  // namespace medinfer
