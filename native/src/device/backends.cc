#include "medinfer/backends.h"

#include <algorithm>
#include <cctype>
#include <mutex>

#include "ggml-backend.h"
#include "llama.h"
#include "model/log_capture.h"

namespace medinfer {

Status InitBackends(const std::string& dir) {
  // ggml's registry is process-wide and is never torn down, so one success serves every environment that follows.
  static std::mutex mutex;
  static bool done = false;
  const std::lock_guard lock(mutex);
  if (done) return {};
  InstallLogSink();
  ggml_backend_load_all_from_path(dir.c_str());
  if (ggml_backend_dev_by_type(GGML_BACKEND_DEVICE_TYPE_CPU) == nullptr) {
    return {Code::kBackendLost, "no CPU backend (libggml-cpu*) works in " + dir +
                                    ": reinstall medinfer, or build it with \"npm rebuild medinfer\""};
  }
  llama_backend_init();
  done = true;
  return {};
}

std::vector<DeviceInfo> Devices() {
  std::vector<DeviceInfo> devices;
  for (std::size_t i = 0; i < ggml_backend_dev_count(); ++i) {
    ggml_backend_dev_t device = ggml_backend_dev_get(i);
    ggml_backend_dev_props props{};
    ggml_backend_dev_get_props(device, &props);
    DeviceInfo info;
    info.name = props.name;
    info.description = props.description;
    info.backend = ggml_backend_reg_name(ggml_backend_dev_backend_reg(device));
    std::transform(info.backend.begin(), info.backend.end(), info.backend.begin(),
                   [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    info.memory_total = props.memory_total;
    info.memory_free = props.memory_free;
    devices.push_back(std::move(info));
  }
  return devices;
}

}  // namespace medinfer
