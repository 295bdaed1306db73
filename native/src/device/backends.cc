#include "medinfer/backends.h"

#include <dlfcn.h>

#include <algorithm>
#include <cctype>
#include <charconv>
#include <filesystem>
#include <mutex>
#include <optional>
#include <shared_mutex>
#include <string_view>

#include "base/excerpt.h"
#include "base/log_capture.h"
#include "device/cuda_driver.h"
#include "device/log_sink.h"
#include "device/registry.h"
#include "ggml-backend.h"
#include "llama.h"
#include "split/install_tokenizer_hooks.h"

namespace medinfer {
namespace {

constexpr std::string_view kCpuPrefix = "libggml-cpu";
constexpr int kVersionsPerMajor = 1000;  // CUDA 13.1 is 13010
constexpr int kVersionsPerMinor = 10;
constexpr std::uint32_t kMinorCapabilities = 10;  // 90 is 9.0
constexpr std::uint32_t kPerCapability = 10;      // the compiler counts 900 for it

// A library that stays loaded only as long as this does.
class TrialLoad {
 public:
  explicit TrialLoad(const std::string& file) : handle_(dlopen(file.c_str(), RTLD_NOW | RTLD_LOCAL)) {}
  ~TrialLoad() {
    if (handle_ != nullptr) dlclose(handle_);
  }
  TrialLoad(const TrialLoad&) = delete;
  TrialLoad& operator=(const TrialLoad&) = delete;

  explicit operator bool() const { return handle_ != nullptr; }

  template <typename Function>
  Function Find(const char* name) const {
    return reinterpret_cast<Function>(dlsym(handle_, name));
  }

 private:
  void* handle_;
};

// Like ggml_backend_load_all_from_path, but of the CPU alone: that one also loads what GGML_BACKEND_PATH names.
bool LoadBestCpu(const std::string& dir) {
  namespace fs = std::filesystem;
  std::string best;
  int best_score = 0;
  std::error_code error;
  for (const fs::directory_entry& entry : fs::directory_iterator(dir, error)) {
    const std::string name = entry.path().filename().string();
    if (!name.starts_with(kCpuPrefix)) continue;
    const TrialLoad library(entry.path().string());
    if (!library) continue;
    // A build for one machine has one variant, without a score.
    const auto score_of = library.Find<int (*)()>("ggml_backend_score");
    const int score = score_of == nullptr ? 1 : score_of();
    if (score > best_score) {
      best_score = score;
      best = entry.path().string();
    }
  }
  return !best.empty() && ggml_backend_load(best.c_str()) != nullptr;
}

std::string CapabilityName(std::uint32_t capability) {
  return std::to_string(capability / kMinorCapabilities) + "." + std::to_string(capability % kMinorCapabilities);
}

std::string CudaName(int version) {
  return "CUDA " + std::to_string(version / kVersionsPerMajor) + "." +
         std::to_string(version % kVersionsPerMajor / kVersionsPerMinor);
}

// Within one major version a driver serves what was built with any minor one.
Status CheckVersion(const TrialLoad& plugin, const CudaDriver& driver) {
  // The runtime that the plugin is linked with.
  const auto get_version = plugin.Find<int (*)(int*)>("cudaRuntimeGetVersion");
  int built_with = 0;
  if (get_version == nullptr || get_version(&built_with) != 0) return {};
  if (driver.cuda_version() / kVersionsPerMajor >= built_with / kVersionsPerMajor) return {};
  return {Code::kNoDevice, "the NVIDIA driver here serves " + CudaName(driver.cuda_version()) +
                               " at most, and this backend needs " + CudaName(built_with) +
                               ": install a newer driver, or build the backend with an older toolkit "
                               "(npm run build:cuda)"};
}

std::vector<std::uint32_t> ArchitecturesOf(ggml_backend_reg_t reg) {
  std::vector<std::uint32_t> found;
  const auto get_features = reinterpret_cast<ggml_backend_get_features_t>(
      ggml_backend_reg_get_proc_address(reg, "ggml_backend_get_features"));
  if (get_features == nullptr) return found;
  for (const ggml_backend_feature* feature = get_features(reg); feature->name != nullptr; ++feature) {
    if (std::string_view(feature->name) != "ARCHS") continue;
    const std::string_view list = feature->value;  // "800,900"
    const char* at = list.data();
    const char* const end = at + list.size();
    while (at < end) {
      std::uint32_t value = 0;
      const auto parsed = std::from_chars(at, end, value);
      if (parsed.ptr == at) break;
      found.push_back(value / kPerCapability);
      at = parsed.ptr + 1;
    }
  }
  return found;
}

// ggml ends the process over a kernel that has no code for the GPU.
Status CheckArchitectures(ggml_backend_reg_t reg, const CudaDriver& driver) {
  const std::vector<std::uint32_t> built = ArchitecturesOf(reg);
  if (built.empty()) return {};
  const std::uint32_t newest = *std::ranges::max_element(built);
  for (const CudaDriver::Device& device : driver.devices()) {
    const std::uint32_t wanted = device.capability;
    // Machine code serves later minor versions too. Of the newest architecture there is PTX, for all that follow.
    const bool served = wanted >= newest || std::ranges::any_of(built, [&](std::uint32_t one) {
                          return one / kMinorCapabilities == wanted / kMinorCapabilities && one <= wanted;
                        });
    if (served) continue;
    return {Code::kNoDevice, "the CUDA backend has no code for a GPU of compute capability " + CapabilityName(wanted) +
                                 ": build it for " + std::to_string(wanted) + " (npm run build:cuda -- --arch " +
                                 std::to_string(wanted) + "), or hide that GPU with CUDA_VISIBLE_DEVICES"};
  }
  return {};
}

// What the driver says of a device that ggml lists; null where they do not meet.
const CudaDriver::Device* FindDevice(const CudaDriver& driver, const char* id) {
  if (id == nullptr) return nullptr;
  for (const CudaDriver::Device& device : driver.devices()) {
    if (std::string_view(id).starts_with(device.pci_bus_id)) return &device;  // a share of a GPU has a suffix
  }
  return nullptr;
}

}  // namespace

std::shared_mutex& RegistryMutex() {
  static std::shared_mutex mutex;
  return mutex;
}

Status InitBackends(const std::string& dir) {
  static bool done = false;
  const std::lock_guard lock(RegistryMutex());
  if (done) return {};
  InstallLogSink();
  InstallTokenizerHooks();
  if (!LoadBestCpu(dir)) {
    return {Code::kBackendLost, "no CPU backend (libggml-cpu*) works in " + ExcerptPath(dir) +
                                    ": reinstall medinfer, or build it with \"npm rebuild medinfer\""};
  }
  llama_backend_init();
  done = true;
  return {};
}

Status LoadCuda(const std::string& file) {
  const std::lock_guard lock(RegistryMutex());
  if (ggml_backend_reg_by_name("CUDA") != nullptr) return {};
  const auto driver = CudaDriver::Open();
  if (!driver.ok()) return driver.status();
  // Stays until ggml has loaded it, too: cuBLAS takes its time.
  const TrialLoad plugin(file);
  if (!plugin) {
    const char* reason = dlerror();
    return {Code::kBackendLost, "the CUDA backend cannot be loaded (" +
                                    Excerpt(reason == nullptr ? std::string_view(file) : reason, 180) +
                                    "): it needs CUDA's libraries cudart and cublas, of the toolkit's version that it "
                                    "was built with, where the system's loader finds them (LD_LIBRARY_PATH)"};
  }
  if (Status status = CheckVersion(plugin, driver.value()); !status.ok()) return status;
  if (Status status = driver.value().Enter(); !status.ok()) return status;
  const LogCapture log;
  ggml_backend_reg_t reg = ggml_backend_load(file.c_str());
  if (reg == nullptr) {
    return {Code::kBackendLost, "the CUDA backend " + ExcerptPath(file) +
                                    " was built for another version of medinfer (" + log.errors() +
                                    "): install the version that matches, or build it again"};
  }
  Status status = ggml_backend_reg_dev_count(reg) == 0
                      ? Status(Code::kNoDevice, "CUDA finds no GPU (" + log.errors() + "): see nvidia-smi")
                      : CheckArchitectures(reg, driver.value());
  // Only a GPU that serves stays in the registry.
  if (!status.ok()) ggml_backend_unload(reg);
  return status;
}

std::vector<DeviceInfo> Devices() {
  const std::shared_lock lock(RegistryMutex());
  std::vector<DeviceInfo> devices;
  std::optional<Result<CudaDriver>> driver;
  for (std::size_t i = 0; i < ggml_backend_dev_count(); ++i) {
    ggml_backend_dev_t device = ggml_backend_dev_get(i);
    ggml_backend_dev_props props{};
    ggml_backend_dev_get_props(device, &props);
    DeviceInfo info;
    info.name = props.name;
    info.description = props.description;
    info.backend = ggml_backend_reg_name(ggml_backend_dev_backend_reg(device));
    std::ranges::transform(info.backend, info.backend.begin(),
                           [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    info.memory_total = props.memory_total;
    info.memory_free = props.memory_free;
    if (info.backend == "cuda") {
      info.driver = NvidiaDriverVersion();
      if (!driver.has_value()) driver.emplace(CudaDriver::Open());
      const CudaDriver::Device* known = driver->ok() ? FindDevice(driver->value(), props.device_id) : nullptr;
      if (known != nullptr) info.compute_capability = CapabilityName(known->capability);
    }
    devices.push_back(std::move(info));
  }
  return devices;
}

}  // namespace medinfer
