// ggml's registry of backends is process-wide and has no lock of its own: a thread that loads a backend must be alone
// with it.
#pragma once

#include <shared_mutex>

namespace medinfer {

// Held shared while a model or a projector is loaded, and alone while a backend is.
std::shared_mutex& RegistryMutex();

}  // namespace medinfer
