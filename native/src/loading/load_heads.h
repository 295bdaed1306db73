// The model's own prediction heads, which guess how answers go on.
#pragma once

#include <cstdint>
#include <memory>

#include "kv/kv_pool.h"
#include "medinfer/load_options.h"
#include "medinfer/status.h"
#include "model/decoder.h"
#include "model/model.h"

namespace medinfer {

// Null where the options want none, or leave it open and the model has none that can be used: with kOn that fails with
// kInvalidArgument. `decoder` is the model's over `pool`; from here on it puts out what heads read.
Result<std::unique_ptr<Decoder>> LoadHeads(const LoadOptions& options, const Model& model, std::uint32_t n_ctx,
                                           const KvPool& pool, Decoder& decoder, const Decoder::AbortFn& should_abort);

}  // namespace medinfer
