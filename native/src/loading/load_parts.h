// Loading from its first step to its last: where the model runs, its weights, the KV cache and the projector.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>

#include "device/cpu_share.h"
#include "kv/disk_pages.h"
#include "kv/kv_pool.h"
#include "loading/load_draft.h"
#include "medinfer/load_options.h"
#include "medinfer/model_info.h"
#include "medinfer/status.h"
#include "model/decoder.h"
#include "model/model.h"
#include "session/session_file.h"
#include "vision/projector.h"

namespace medinfer {

// What an engine is made of. In the order of their making; each uses those before it.
struct LoadedParts {
  std::unique_ptr<Model> model;
  std::unique_ptr<KvPool> pool;
  std::unique_ptr<Decoder> decoder;
  std::unique_ptr<Decoder> head;         // of the model's prediction heads, over the same pool; null: none guesses
  std::unique_ptr<Projector> projector;  // null: no images
  std::shared_ptr<CpuShare> cpu_share;   // of decoder and projector; null: not both need the CPU
  DraftParts draft;                      // empty: there is no draft model
  ModelInfo info;
  ModelIdentity identity{};         // of what sessions are saved with
  std::uint64_t swap_bytes = 0;     // most host memory for the cells of preempted requests
  std::uint64_t host_bytes = 0;     // and for pages that leave the pool
  std::unique_ptr<DiskPages> disk;  // of those that have no room there; null: none

  LoadedParts() = default;
  LoadedParts(LoadedParts&&) = default;
  LoadedParts& operator=(LoadedParts&&) = delete;
  ~LoadedParts() { Free(); }

  // In reverse order.
  void Free();
};

// Blocks. `should_abort`: of the decoder (decoder.h). Where a GPU has no room after all and may be done without, loads
// on the CPU, with a warning in `info`. REQUIRES: ValidateLoadOptions took `options`; InitBackends succeeded.
Result<LoadedParts> LoadParts(const LoadOptions& options, const ProgressFn& progress,
                              const Decoder::AbortFn& should_abort);

}  // namespace medinfer
