#include "loading/place_model.h"

#include <algorithm>
#include <cmath>
#include <shared_mutex>
#include <string>
#include <utility>

#include "device/registry.h"
#include "device/tensor_split.h"
#include "loading/load_heads.h"
#include "model/decoder.h"
#include "model/model.h"
#include "vision/projector.h"

namespace medinfer {
namespace {

std::vector<std::uint64_t> FreeBytes(const std::vector<ggml_backend_dev_t>& devices) {
  std::vector<std::uint64_t> bytes;
  for (ggml_backend_dev_t device : devices) {
    std::size_t free = 0;
    std::size_t total = 0;
    ggml_backend_dev_memory(device, &free, &total);
    bytes.push_back(free);
  }
  return bytes;
}

std::string InMegabytes(const std::vector<std::uint64_t>& bytes) {
  std::string text;
  for (const std::uint64_t one : bytes) text += (text.empty() ? "" : ", ") + std::to_string(one >> 20U);
  return text + " MiB";
}

std::uint64_t PartOf(std::uint64_t bytes, double part) {
  return static_cast<std::uint64_t>(std::ceil(static_cast<double>(bytes) * part));
}

// Of SplitMode::kTensor llama.cpp gives no sizes before it allocates: found from those of one device that has it all.
Result<std::vector<DeviceMemory>> MeasureTensors(LoadOptions options, const Placement& placement) {
  std::vector<float> shares = std::exchange(options.tensor_split, {});
  if (shares.empty()) shares.assign(placement.devices.size(), 1);
  options.split_mode = SplitMode::kNone;
  const Placement one{{placement.devices.front()}, placement.n_gpu_layers, 0, ""};
  auto model = Model::Outline(options, one);
  if (!model.ok()) return model.status();
  const std::int64_t heads = model.value()->n_head_kv();
  if (heads < std::max<std::int64_t>(2, static_cast<std::int64_t>(placement.devices.size()))) {
    // ggml ends the process over it.
    return Status(Code::kInvalidArgument,
                  "splitMode \"tensor\" divides the heads of keys and values, of which this model has " +
                      std::to_string(heads) + ": use \"layer\"");
  }
  auto measured = MeasureModel(options, one);
  if (!measured.ok()) return measured.status();
  const DeviceMemory whole = measured.value().front();
  std::vector<DeviceMemory> memory;
  for (std::size_t i = 0; i < placement.devices.size(); ++i) {
    const double part = LargestPart(shares, i, heads);
    memory.push_back({.device = ggml_backend_dev_name(placement.devices[i]),
                      .weights = PartOf(whole.weights, part),
                      .kv = PartOf(whole.kv, part),
                      .compute = whole.compute});  // each has buffers for whole rows
  }
  memory.push_back(measured.value().back());
  return memory;
}

Result<std::int32_t> FitModel(const LoadOptions& options, const Placement& placement,
                              const std::vector<std::uint64_t>& free, const MeasureFn& measure) {
  auto outline = Model::Outline(options, placement);
  if (!outline.ok()) return outline.status();
  const auto n_layers = static_cast<std::int32_t>(outline.value()->Describe().n_layer);
  outline.value().reset();
  return FitLayers(n_layers, free, measure);
}

// Adapters lie beside the weights that they add to.
void AddAdapters(std::uint64_t bytes, std::vector<DeviceMemory>& memory) {
  std::uint64_t weights = 0;
  for (const DeviceMemory& one : memory) weights += one.weights;
  for (DeviceMemory& one : memory) {
    one.weights += PartOf(bytes, weights == 0 ? 0 : static_cast<double>(one.weights) / static_cast<double>(weights));
  }
}

// So many layers, or none.
Result<std::int32_t> FitAsAsked(std::int32_t n_gpu_layers, const std::vector<std::uint64_t>& free,
                                const MeasureFn& measure) {
  const auto needed = measure(n_gpu_layers);
  if (!needed.ok()) return needed.status();
  return Fits(needed.value(), free) ? n_gpu_layers : 0;
}

}  // namespace

KvPool::Options PoolOptions(const LoadOptions& options) {
  KvPool::Options pool;
  pool.cells = options.n_ctx;
  pool.page_size = options.kv_page_size;
  pool.max_sequences = options.batch_size;
  pool.prefix_cache = options.kv_prefix_cache;
  return pool;
}

std::uint32_t ContextPerRequest(const LoadOptions& options, std::uint32_t n_ctx_train) {
  const std::uint32_t wanted = options.n_ctx_per_request > 0 ? options.n_ctx_per_request : options.n_ctx;
  return std::min({wanted, options.n_ctx, n_ctx_train});
}

std::vector<DeviceMemory> MemoryOf(const Decoder& decoder, const Decoder* head,
                                   const std::vector<ggml_backend_dev_t>& devices) {
  std::vector<DeviceMemory> memory = decoder.Memory(devices);
  if (head == nullptr) return memory;
  const std::vector<DeviceMemory> more = head->Memory(devices);
  for (std::size_t i = 0; i < memory.size(); ++i) {
    memory[i].kv += more[i].kv;
    memory[i].compute += more[i].compute;
  }
  return memory;
}

Result<std::vector<DeviceMemory>> MeasureModel(const LoadOptions& options, const Placement& placement) {
  if (options.split_mode == SplitMode::kTensor && !placement.devices.empty()) return MeasureTensors(options, placement);
  auto model = Model::Outline(options, placement);
  if (!model.ok()) return model.status();
  const KvPool pool(PoolOptions(options));
  const std::uint32_t n_ctx = ContextPerRequest(options, model.value()->Describe().n_ctx_train);
  auto decoder = Decoder::Create(*model.value(), options, n_ctx, pool, [] { return false; });
  if (!decoder.ok()) return decoder.status();
  auto head = LoadHeads(options, *model.value(), n_ctx, pool, *decoder.value(), [] { return false; });
  if (!head.ok()) return head.status();
  return MemoryOf(*decoder.value(), head.value().get(), placement.devices);
}

Result<Placement> PlaceModel(const LoadOptions& options, const std::function<bool()>& keep_going) {
  auto chosen = ChooseDevices(options);
  // llama.cpp ends the process where the parts of a tensor do not fit, so that is found out before.
  const bool measures = options.n_gpu_layers == kAutoLayers || options.split_mode == SplitMode::kTensor;
  if (!chosen.ok() || chosen.value().devices.empty() || !measures) return chosen;
  Placement placement = std::move(chosen.value());
  const std::shared_lock registry(RegistryMutex());

  std::uint64_t projector = 0;
  if (!options.mmproj_path.empty()) {
    const auto measured = Projector::MeasureMemory(options.mmproj_path, placement.devices[placement.main]);
    if (!measured.ok()) return measured.status();
    projector = measured.value();
  }
  const std::vector<std::uint64_t> free = FreeBytes(placement.devices);
  const auto measure = [&](std::int32_t n_gpu_layers) -> Result<std::vector<DeviceMemory>> {
    if (!keep_going()) return Status(Code::kAborted, "the load was aborted");
    placement.n_gpu_layers = n_gpu_layers;
    auto memory = MeasureModel(options, placement);
    if (!memory.ok()) return memory;
    memory.value()[placement.main].projector = projector;
    AddAdapters(options.adapter_bytes, memory.value());
    return memory;
  };
  const auto fitting = options.n_gpu_layers == kAutoLayers ? FitModel(options, placement, free, measure)
                                                           : FitAsAsked(options.n_gpu_layers, free, measure);
  if (!fitting.ok()) return fitting.status();
  placement.n_gpu_layers = fitting.value();
  if (placement.n_gpu_layers > 0) return placement;

  std::string reason = (options.n_gpu_layers == kAutoLayers ? "not one layer of the model fits beside its KV pool"
                                                            : "the model does not fit") +
                       std::string(" into what is free on the GPU (") + InMegabytes(free) +
                       "): free some, lower nCtx, choose a smaller kv.type, or a smaller model";
  if (options.device == Device::kCuda) return Status(Code::kOutOfMemory, std::move(reason));
  return Placement{{}, 0, 0, std::move(reason)};
}

}  // namespace medinfer
