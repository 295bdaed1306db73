// Reads one image file on node's thread pool.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "error_class.h"
#include "medinfer/image_file.h"
#include "napi_setup.h"

namespace medinfer {

// Owns itself from Start until the JS thread has its end.
class ReadImageTask {
 public:
  // The promise of an ImageHandle. `errors` is AddonData's, or null. JS thread; throws where it cannot start.
  static Napi::Promise Start(Napi::Env env, const ErrorClass* errors, std::string path, std::uint64_t max_bytes);

  ReadImageTask(Napi::Env env, const ErrorClass* errors, std::string path, std::uint64_t max_bytes);
  ~ReadImageTask();
  ReadImageTask(const ReadImageTask&) = delete;
  ReadImageTask& operator=(const ReadImageTask&) = delete;

 private:
  static void Execute(napi_env env, void* task);                       // a thread of the pool
  static void Complete(napi_env env, napi_status status, void* task);  // JS thread
  void Settle();

  const Napi::Env env_;
  const ErrorClass* const errors_;
  const std::string path_;
  const std::uint64_t max_bytes_;
  const Napi::Promise::Deferred deferred_;
  napi_async_work work_ = nullptr;
  std::optional<Result<ImageFile>> result_;
};

}  // namespace medinfer
