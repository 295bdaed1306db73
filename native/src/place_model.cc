#include "place_model.h"

#include <algorithm>
#include <shared_mutex>
#include <string>
#include <utility>

#include "device/registry.h"
#include "model/decoder.h"
#include "model/model.h"
#include "model/projector.h"

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

Result<std::vector<DeviceMemory>> MeasureModel(const LoadOptions& options, const Placement& placement) {
  auto model = Model::Outline(options, placement);
  if (!model.ok()) return model.status();
  const KvPool pool(PoolOptions(options));
  const std::uint32_t n_ctx = ContextPerRequest(options, model.value()->Describe().n_ctx_train);
  auto decoder = Decoder::Create(*model.value(), options, n_ctx, pool, [] { return false; });
  if (!decoder.ok()) return decoder.status();
  return decoder.value()->Memory(placement.devices);
}

Result<Placement> PlaceModel(const LoadOptions& options, const std::function<bool()>& keep_going) {
  auto chosen = ChooseDevices(options);
  if (!chosen.ok() || chosen.value().devices.empty() || options.n_gpu_layers != kAutoLayers) return chosen;
  Placement placement = std::move(chosen.value());
  const std::shared_lock registry(RegistryMutex());

  std::uint64_t projector = 0;
  if (!options.mmproj_path.empty()) {
    const auto measured = Projector::MeasureMemory(options.mmproj_path, placement.devices.front());
    if (!measured.ok()) return measured.status();
    projector = measured.value();
  }
  auto outline = Model::Outline(options, placement);
  if (!outline.ok()) return outline.status();
  const auto n_layers = static_cast<std::int32_t>(outline.value()->Describe().n_layer);
  outline.value().reset();

  const std::vector<std::uint64_t> free = FreeBytes(placement.devices);
  const auto layers = FitLayers(n_layers, free, [&](std::int32_t n_gpu_layers) -> Result<std::vector<DeviceMemory>> {
    if (!keep_going()) return Status(Code::kAborted, "the load was aborted");
    placement.n_gpu_layers = n_gpu_layers;
    auto memory = MeasureModel(options, placement);
    if (memory.ok()) memory.value().front().projector = projector;
    return memory;
  });
  if (!layers.ok()) return layers.status();
  placement.n_gpu_layers = layers.value();
  if (placement.n_gpu_layers > 0) return placement;

  std::string reason = "not one layer of the model fits beside its KV pool into what is free on the GPU (" +
                       InMegabytes(free) + "): free some, lower nCtx, choose a smaller kv.type, or a smaller model";
  if (options.device == Device::kCuda) return Status(Code::kOutOfMemory, std::move(reason));
  return Placement{.devices = {}, .n_gpu_layers = 0, .warning = std::move(reason)};
}

}  // namespace medinfer
