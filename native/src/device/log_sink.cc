#include "device/log_sink.h"

#include "base/log_capture.h"
#include "ggml.h"
#include "llama.h"
#include "mtmd-helper.h"

namespace medinfer {
namespace {

void OnLog(ggml_log_level level, const char* text, void* /*user_data*/) {
  if (level == GGML_LOG_LEVEL_ERROR) CaptureErrorLine(text);
}

}  // namespace

void InstallLogSink() {
  llama_log_set(OnLog, nullptr);
  mtmd_helper_log_set(OnLog, nullptr);
}

}  // namespace medinfer
