// Status -> JavaScript error. The core returns a Status; only this folder throws.
#pragma once

#include <exception>
#include <new>
#include <string>
#include <utility>

#include "error_class.h"
#include "medinfer/status.h"
#include "napi_setup.h"

namespace medinfer {

// An error of the library's class that is in force (error_class.h); where none is, a plain Error with `code` and
// `retryable`. Null where the environment cannot run JavaScript any more. JS thread, inside a HandleScope. Never
// throws.
napi_value ErrorValue(napi_env env, const Status& status);

// JS thread.
[[noreturn]] void Throw(Napi::Env env, const Status& status);

// INVALID_ARGUMENT; where no class is in force, a TypeError with that code. `message` names the field and never holds
// its value: it could be a patient's data.
[[noreturn]] void ThrowWrongType(Napi::Env env, const std::string& message);

// Runs the body of a native method, so that no C++ exception but Napi::Error leaves it: node is
// compiled without exceptions, and any other would end the process. `errors` is in force meanwhile.
template <typename Body>
auto Guarded(Napi::Env env, const ErrorClass* errors, Body&& body) -> decltype(body()) {
  const ErrorScope scope(env, errors);
  try {
    return std::forward<Body>(body)();
  } catch (const Napi::Error&) {
    throw;
  } catch (const std::bad_alloc&) {
    Throw(env, {Code::kOutOfMemory, "not enough memory for the call's arguments or result"});
  } catch (const std::exception& error) {
    Throw(env, {Code::kInternal, std::string("unexpected failure: ") + std::string(error.what()).substr(0, 200)});
  }
}

}  // namespace medinfer
