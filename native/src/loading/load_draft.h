// A second, smaller model, which guesses how answers of the first go on.
#pragma once

#include <memory>

#include "device/placement.h"
#include "kv/kv_pool.h"
#include "medinfer/load_options.h"
#include "medinfer/status.h"
#include "model/decoder.h"
#include "model/model.h"

namespace medinfer {

// In the order of their making; each uses those before it.
struct DraftParts {
  std::unique_ptr<Model> model;
  std::unique_ptr<KvPool> pool;
  std::unique_ptr<Decoder> decoder;
  std::uint32_t n_ctx = 0;  // most tokens of a text
};

// Of `options.draft_path`, on the devices of `target`, whole. Fails as a model's load does; with kInvalidArgument where
// its tokens are not those of `target`, or where what it has read cannot be taken back.
Result<DraftParts> LoadDraft(const LoadOptions& options, const Placement& placement, const Model& target);

}  // namespace medinfer
