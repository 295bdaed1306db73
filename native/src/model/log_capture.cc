#include "model/log_capture.h"

#include <optional>

#include "ggml.h"
#include "llama.h"
#include "mtmd-helper.h"

namespace medinfer {
namespace {

constexpr std::size_t kMaxCaptured = 1000;  // bytes; a damaged file can log a line per tensor

// Set while a LogCapture lives on this thread.
thread_local std::optional<std::string> captured;

void OnLog(ggml_log_level level, const char* text, void* /*user_data*/) {
  if (!captured || level != GGML_LOG_LEVEL_ERROR || captured->size() >= kMaxCaptured) return;
  std::string line(text);
  while (!line.empty() && (line.back() == '\n' || line.back() == ' ')) line.pop_back();
  if (line.empty()) return;
  if (!captured->empty()) *captured += "; ";
  *captured += line;
}

}  // namespace

void InstallLogSink() {
  llama_log_set(OnLog, nullptr);
  mtmd_helper_log_set(OnLog, nullptr);
}

LogCapture::LogCapture() { captured.emplace(); }

LogCapture::~LogCapture() { captured.reset(); }

std::string LogCapture::errors() const { return captured.value_or(""); }

bool LogCapture::SaysOutOfMemory() const {
  const std::string lines = errors();
  return lines.find("out of memory") != std::string::npos || lines.find("allocate") != std::string::npos;
}

bool LogCapture::SaysNoTensorSplit() const {
  return errors().find("LLAMA_SPLIT_MODE_TENSOR not implemented") != std::string::npos;
}

}  // namespace medinfer
