// The error class of one copy of the library, so that what the addon throws, rejects with or sends in an event is the
// library's own error.
//
// One environment may hold several copies, each with a class of its own: Jest runs every test file in a realm of its
// own, and all of them share the addon. So the class belongs to the functions that were made with it (addon.cc) and to
// the engines that those loaded; ErrorScope says which one is in force while they run. JS thread only.
#pragma once

#include <string>

#include "medinfer/status.h"
#include "napi_setup.h"

namespace medinfer {

class ErrorClass {
 public:
  // Weak: the functions hold it (addon.cc), and the addon must not keep a realm in memory whose tests are over.
  explicit ErrorClass(Napi::Function constructor) : constructor_(Napi::Weak(constructor)) {}

  // `new Class(code, message, { retryable })`; null where the class was collected, or the environment cannot run
  // JavaScript any more. Inside a HandleScope. Never throws.
  napi_value New(napi_env env, const Status& status) const;

 private:
  Napi::FunctionReference constructor_;
};

// Puts a class in force for the environment until the end of the block; null: plain errors. They nest: a callback of
// one library may call another's function.
class ErrorScope {
 public:
  ErrorScope(Napi::Env env, const ErrorClass* errors);
  ~ErrorScope();
  ErrorScope(const ErrorScope&) = delete;
  ErrorScope& operator=(const ErrorScope&) = delete;

  // The class in force; null: none.
  static const ErrorClass* Current(Napi::Env env);

 private:
  const Napi::Env env_;
  const ErrorClass* const before_;
};

}  // namespace medinfer
