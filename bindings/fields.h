// Reads typed fields of a JavaScript object and names the one that has a wrong type.
#pragma once

#include <array>
#include <cmath>
#include <cstdint>
#include <limits>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "errors.h"
#include "napi_setup.h"

namespace medinfer {

// The largest integer up to which a double holds every one.
inline constexpr double kMaxSafeInteger = 9007199254740991.0;

inline const char* TypeName(const Napi::Value& value) {
  if (value.IsArray()) return "an array";
  switch (value.Type()) {
    case napi_undefined:
      return "undefined";
    case napi_null:
      return "null";
    case napi_boolean:
      return "a boolean";
    case napi_number:
      return "a number";
    case napi_string:
      return "a string";
    case napi_symbol:
      return "a symbol";
    case napi_function:
      return "a function";
    case napi_bigint:
      return "a bigint";
    default:
      return "an object";
  }
}

[[noreturn]] inline void ThrowExpected(const Napi::Value& value, const std::string& field, const char* expected) {
  ThrowWrongType(value.Env(), field + " must be " + expected + ", not " + TypeName(value));
}

// An integer that T holds.
template <typename T>
T ToInteger(const Napi::Value& value, const std::string& field) {
  if (!value.IsNumber()) ThrowExpected(value, field, "an integer");
  constexpr double kLowest =
      std::numeric_limits<T>::is_signed ? static_cast<double>(std::numeric_limits<T>::min()) : 0.0;
  constexpr double kHighest = sizeof(T) > 4 ? kMaxSafeInteger : static_cast<double>(std::numeric_limits<T>::max());
  const double number = value.As<Napi::Number>().DoubleValue();
  // Written so that NaN fails too.
  if (!(number >= kLowest && number <= kHighest) || std::trunc(number) != number) {
    ThrowWrongType(value.Env(), field + " must be an integer from " +
                                    std::to_string(static_cast<std::int64_t>(kLowest)) + " to " +
                                    std::to_string(static_cast<std::int64_t>(kHighest)));
  }
  return static_cast<T>(number);
}

// Calls `each(element, "field[i]")`.
template <typename Each>
void ForEach(const Napi::Value& value, const std::string& field, Each&& each) {
  if (!value.IsArray()) ThrowExpected(value, field, "an array");
  const auto array = value.As<Napi::Array>();
  const std::uint32_t length = array.Length();
  for (std::uint32_t i = 0; i < length; ++i) {
    // Thousands of parts would otherwise all stay alive until the call returns.
    const Napi::HandleScope scope(value.Env());
    each(array.Get(i), field + "[" + std::to_string(i) + "]");
  }
}

class Fields {
 public:
  // `where` stands before every field's name in messages, e.g. "options".
  Fields(const Napi::Value& value, std::string where) : object_(ToObject(value, where)), where_(std::move(where)) {}

  std::string Name(const char* field) const { return where_ + "." + field; }
  Napi::Value Value(const char* field) const { return object_.Get(field); }

  template <typename T>
  T Integer(const char* field) const {
    return ToInteger<T>(Value(field), Name(field));
  }

  float Float(const char* field) const { return ToFloat(Value(field), Name(field)); }

  // `names[i]` is the name of the enumerator with the value i.
  template <typename E, std::size_t N>
  E Enum(const char* field, const std::array<const char*, N>& names) const {
    return ToEnum<E>(Value(field), Name(field), names);
  }

  template <typename E, std::size_t N>
  static E ToEnum(const Napi::Value& value, const std::string& field, const std::array<const char*, N>& names) {
    std::string choices;
    for (std::size_t i = 0; i < N; ++i) {
      if (value.IsString() && value.As<Napi::String>().Utf8Value() == names[i]) return static_cast<E>(i);
      choices += (i == 0 ? "'" : i + 1 == N ? " or '" : ", '") + std::string(names[i]) + "'";
    }
    ThrowWrongType(value.Env(), field + " must be " + choices);
  }

  static float ToFloat(const Napi::Value& value, const std::string& field) {
    if (!value.IsNumber()) ThrowExpected(value, field, "a number");
    const double number = value.As<Napi::Number>().DoubleValue();
    if (std::isnan(number)) ThrowWrongType(value.Env(), field + " must be a number, not NaN");
    return static_cast<float>(number);
  }

 private:
  static Napi::Object ToObject(const Napi::Value& value, const std::string& where) {
    if (!value.IsObject() || value.IsArray()) ThrowExpected(value, where, "an object");
    return value.As<Napi::Object>();
  }

  Napi::Object object_;
  std::string where_;
};

}  // namespace medinfer
