#include "medinfer/status.h"

namespace medinfer {

const char* CodeName(Code code) {
  switch (code) {
    case Code::kOk:
      return "OK";
    case Code::kInvalidArgument:
      return "INVALID_ARGUMENT";
    case Code::kModelNotFound:
      return "MODEL_NOT_FOUND";
    case Code::kBadGguf:
      return "BAD_GGUF";
    case Code::kBadLora:
      return "BAD_LORA";
    case Code::kBadMmproj:
      return "BAD_MMPROJ";
    case Code::kOutOfMemory:
      return "OUT_OF_MEMORY";
    case Code::kContextFull:
      return "CONTEXT_FULL";
    case Code::kQueueFull:
      return "QUEUE_FULL";
    case Code::kAborted:
      return "ABORTED";
    case Code::kClosed:
      return "CLOSED";
    case Code::kImageNotFound:
      return "IMAGE_NOT_FOUND";
    case Code::kImageDecode:
      return "IMAGE_DECODE";
    case Code::kImageTooLarge:
      return "IMAGE_TOO_LARGE";
    case Code::kNoVision:
      return "NO_VISION";
    case Code::kWrongTask:
      return "WRONG_TASK";
    case Code::kBadSession:
      return "BAD_SESSION";
    case Code::kNoDevice:
      return "NO_DEVICE";
    case Code::kDeviceBusy:
      return "DEVICE_BUSY";
    case Code::kBackendLost:
      return "BACKEND_LOST";
    case Code::kInternal:
      return "INTERNAL";
  }
  return "INTERNAL";
}

bool IsRetryable(Code code) {
  return code == Code::kQueueFull || code == Code::kOutOfMemory || code == Code::kDeviceBusy ||
         code == Code::kBackendLost;
}

}  // namespace medinfer
