#include "base/log_capture.h"

#include <algorithm>
#include <array>
#include <optional>
#include <string>
#include <string_view>

#include "base/excerpt.h"

namespace medinfer {
namespace {

constexpr std::size_t kMaxCaptured = 1000;  // bytes; a damaged file can log a line per tensor

constexpr std::size_t kMostQuoted = 110;  // bytes; what these libraries say quotes the file

// What llama.cpp's functions say on the way up of what went wrong below.
constexpr std::array<std::string_view, 5> kEnvelopes = {
    "error: ", "error loading model: ", "error loading model architecture: ", "error loading model hyperparameters: ",
    "error loading model vocabulary: "};

// Without the names of functions before it.
std::string_view WithoutEnvelopes(std::string_view line) {
  const std::size_t colon = line.find(": ");
  const std::string_view function = line.substr(0, colon == std::string_view::npos ? 0 : colon);
  const bool named = function.find(' ') == std::string_view::npos && function.find('_') != std::string_view::npos;
  if (named) line.remove_prefix(colon + 2);
  for (const std::string_view envelope : kEnvelopes) {
    if (line.starts_with(envelope)) line.remove_prefix(envelope.size());
  }
  return line;
}

// Set while a LogCapture lives on this thread.
thread_local std::optional<std::string> captured;

}  // namespace

void CaptureErrorLine(std::string_view text) {
  if (!captured || captured->size() >= kMaxCaptured) return;
  while (!text.empty() && (text.back() == '\n' || text.back() == ' ')) text.remove_suffix(1);
  if (text.empty()) return;
  if (!captured->empty()) *captured += '\n';
  *captured += text;
}

LogCapture::LogCapture() { captured.emplace(); }

LogCapture::~LogCapture() { captured.reset(); }

std::string LogCapture::errors() const {
  std::string joined;
  std::string_view rest = lines();
  while (!rest.empty()) {
    const std::size_t end = std::min(rest.find('\n'), rest.size());
    const std::string_view line = WithoutEnvelopes(rest.substr(0, end));
    rest.remove_prefix(std::min(end + 1, rest.size()));
    // Says nothing beside another.
    if (!joined.empty() && line.starts_with("failed to load model")) continue;
    joined.append(joined.empty() ? "" : "; ").append(line);
  }
  return Excerpt(joined, kMostQuoted);
}

std::string_view LogCapture::lines() const { return captured ? std::string_view(*captured) : std::string_view(); }

bool LogCapture::SaysOutOfMemory() const {
  return lines().find("out of memory") != std::string_view::npos || lines().find("allocate") != std::string_view::npos;
}

std::string LogCapture::Assertion() const {
  // ggml_abort's messages begin with a file and a line.
  const bool asserted =
      lines().find(".c:") != std::string_view::npos || lines().find(".cpp:") != std::string_view::npos;
  return asserted ? errors() : std::string();
}

bool LogCapture::SaysNoTensorSplit() const {
  return lines().find("LLAMA_SPLIT_MODE_TENSOR not implemented") != std::string_view::npos;
}

}  // namespace medinfer
