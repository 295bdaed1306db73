#include "error_class.h"

#include <array>
#include <utility>

#include "addon_data.h"

namespace medinfer {
namespace {

// An exception of the constructor, such as that of a full stack, must not stand in the way of a plain error.
void ClearException(napi_env env) {
  napi_value exception = nullptr;
  static_cast<void>(napi_get_and_clear_last_exception(env, &exception));
}

}  // namespace

napi_value ErrorClass::New(napi_env env, const Status& status) const {
  napi_value constructor = nullptr;
  if (napi_get_reference_value(env, constructor_, &constructor) != napi_ok || constructor == nullptr) return nullptr;
  std::array<napi_value, 3> arguments{};
  auto& [code, message, options] = arguments;
  napi_value retryable = nullptr;
  napi_value error = nullptr;
  const std::string& text = status.message();
  const bool ok = napi_create_string_utf8(env, CodeName(status.code()), NAPI_AUTO_LENGTH, &code) == napi_ok &&
                  napi_create_string_utf8(env, text.data(), text.size(), &message) == napi_ok &&
                  napi_get_boolean(env, IsRetryable(status.code()), &retryable) == napi_ok &&
                  napi_create_object(env, &options) == napi_ok &&
                  napi_set_named_property(env, options, "retryable", retryable) == napi_ok &&
                  napi_new_instance(env, constructor, arguments.size(), arguments.data(), &error) == napi_ok;
  if (ok) return error;
  ClearException(env);
  return nullptr;
}

ErrorScope::ErrorScope(Napi::Env env, const ErrorClass* errors)
    : env_(env), before_(std::exchange(AddonData::Of(env).errors_in_force, errors)) {}

ErrorScope::~ErrorScope() { AddonData::Of(env_).errors_in_force = before_; }

const ErrorClass* ErrorScope::Current(Napi::Env env) {
  const AddonData* data = AddonData::Find(env);
  return data == nullptr ? nullptr : data->errors_in_force;
}

}  // namespace medinfer
