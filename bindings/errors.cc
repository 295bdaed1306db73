#include "errors.h"

namespace medinfer {
namespace {

using CreateErrorFn = napi_status (*)(napi_env, napi_value code, napi_value message, napi_value*);

napi_value CreateError(napi_env env, CreateErrorFn create, const Status& status) {
  if (const ErrorClass* errors = ErrorScope::Current(env); errors != nullptr) {
    if (const napi_value error = errors->New(env, status); error != nullptr) return error;
  }
  const std::string& text = status.message();
  napi_value name = nullptr;
  napi_value message = nullptr;
  napi_value retryable = nullptr;
  napi_value error = nullptr;
  const bool ok = napi_create_string_utf8(env, CodeName(status.code()), NAPI_AUTO_LENGTH, &name) == napi_ok &&
                  napi_create_string_utf8(env, text.data(), text.size(), &message) == napi_ok &&
                  napi_get_boolean(env, IsRetryable(status.code()), &retryable) == napi_ok &&
                  create(env, name, message, &error) == napi_ok &&
                  napi_set_named_property(env, error, "retryable", retryable) == napi_ok;
  return ok ? error : nullptr;
}

[[noreturn]] void ThrowValue(Napi::Env env, napi_value error) {
  if (error == nullptr) throw Napi::Error::New(env);
  throw Napi::Error(env, error);
}

}  // namespace

napi_value ErrorValue(napi_env env, const Status& status) { return CreateError(env, napi_create_error, status); }

void Throw(Napi::Env env, const Status& status) { ThrowValue(env, ErrorValue(env, status)); }

void ThrowWrongType(Napi::Env env, const std::string& message) {
  ThrowValue(env, CreateError(env, napi_create_type_error, {Code::kInvalidArgument, message}));
}

}  // namespace medinfer
