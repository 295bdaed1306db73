// The first step of a load: where the model will run, found from the files' metadata before any weight is read.
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "device/placement.h"
#include "kv/kv_pool.h"
#include "medinfer/load_options.h"
#include "medinfer/model_info.h"
#include "medinfer/status.h"
#include "model/decoder.h"

namespace medinfer {

KvPool::Options PoolOptions(const LoadOptions& options);

// Most tokens of one request, for a model that was trained for `n_ctx_train`.
std::uint32_t ContextPerRequest(const LoadOptions& options, std::uint32_t n_ctx_train);

// What both take, by device and last the host; `head`: null: none.
std::vector<DeviceMemory> MemoryOf(const Decoder& decoder, const Decoder* head,
                                   const std::vector<ggml_backend_dev_t>& devices);

// What a load with this placement would take, by device and last the host; from the files' metadata, the projector left
// out.
Result<std::vector<DeviceMemory>> MeasureModel(const LoadOptions& options, const Placement& placement);

// Devices, and on them the layers that the options name or, with kAutoLayers, as many as fit beside the KV pool, the
// compute buffers and the projector. Where none fits, or where tensors are to be divided (SplitMode::kTensor) and do
// not fit: kOutOfMemory if the options ask for CUDA, else the CPU and a warning. `keep_going` is asked between
// measurements; false ends it with kAborted. Takes 0.1 to 2 s on a GPU.
Result<Placement> PlaceModel(const LoadOptions& options, const std::function<bool()>& keep_going);

}  // namespace medinfer
