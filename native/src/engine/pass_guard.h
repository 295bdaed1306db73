// Whether the forward pass that runs is still wanted.
#pragma once

#include <vector>

#include "base/inbox.h"
#include "engine/commands.h"

namespace medinfer {

// The requests of whose current forward pass must be given up when all of them are cancelled, or the engine closes.
// `pass` is written and read on the engine thread only.
struct PassGuard {
  const Inbox<Command>* inbox = nullptr;
  std::vector<CancelFlag> pass;

  bool ShouldAbort() const;
};

}  // namespace medinfer
