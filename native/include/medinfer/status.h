// Errors of the core. The core never throws across its public headers and never aborts: every operation that can
// fail returns a Status, or a Result that carries one. bindings/ turns it into a MedInferError with the same code.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <variant>

namespace medinfer {

enum class Code : std::uint8_t {
  kOk,
  kInvalidArgument,  // an option is out of its range; the message names it
  kModelNotFound,    // no readable file at the model's or the projector's path
  kBadGguf,          // the model file is damaged, not a GGUF, or not a text model
  kBadLora,          // the adapter is damaged, no LoRA adapter, or made for another model
  kBadMmproj,        // the projector is damaged, not a projector, or made for another model
  kOutOfMemory,      // weights, KV pool or compute buffers do not fit
  kContextFull,      // the prompt can never fit into the context
  kQueueFull,        // too many requests wait; try again later
  kAborted,          // the caller aborted
  kClosed,           // the engine is closed
  kImageNotFound,    // no readable image file at the path
  kImageDecode,      // the image is damaged or of an unsupported format
  kImageTooLarge,    // the image exceeds the byte or pixel limit, or is too long a strip
  kNoVision,         // an image was given to a model without a projector
  kWrongTask,        // the engine was loaded for another task, or the model cannot do the one that was asked for
  kBadSession,       // a session's file cannot be written or read, is damaged, or was saved with another model
  kNoDevice,         // there is no CUDA device, backend or driver that serves, and the caller asked for one
  kDeviceBusy,       // another process holds the GPU alone
  kBackendLost,      // a compute backend failed while it ran
  kInternal,         // a defect of ours
};

// The name under which a code is known outside, e.g. "BAD_GGUF". Static storage.
const char* CodeName(Code code);

// Whether the same call can succeed later without a change by the caller.
bool IsRetryable(Code code);

class [[nodiscard]] Status {
 public:
  Status() = default;  // ok
  Status(Code code, std::string message) : code_(code), message_(std::move(message)) {}

  bool ok() const { return code_ == Code::kOk; }
  Code code() const { return code_; }
  // What happened and what to do about it. Never holds prompt text.
  const std::string& message() const { return message_; }

 private:
  Code code_ = Code::kOk;
  std::string message_;
};

// A value or the reason why there is none.
template <typename T>
class [[nodiscard]] Result {
 public:
  Result(T value) : state_(std::in_place_index<0>, std::move(value)) {}         // NOLINT(google-explicit-constructor)
  Result(Status status) : state_(std::in_place_index<1>, std::move(status)) {}  // NOLINT(google-explicit-constructor)

  bool ok() const { return state_.index() == 0; }
  // REQUIRES: ok()
  T& value() { return std::get<0>(state_); }
  const T& value() const { return std::get<0>(state_); }
  // REQUIRES: !ok()
  const Status& status() const { return std::get<1>(state_); }

 private:
  std::variant<T, Status> state_;
};

}  // namespace medinfer
