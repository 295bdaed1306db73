#include "model/gguf_values.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <string_view>

#include "gguf.h"
#include "model/gguf_header.h"

namespace medinfer {
namespace {

template <typename T>
void Append(std::vector<double>& numbers, const void* values, std::size_t count) {
  const auto* typed = static_cast<const T*>(values);
  for (std::size_t i = 0; i < count; ++i) numbers.push_back(static_cast<double>(typed[i]));
}

void AppendOf(std::vector<double>& numbers, gguf_type type, const void* values, std::size_t count) {
  switch (type) {
    case GGUF_TYPE_UINT8:
      return Append<std::uint8_t>(numbers, values, count);
    case GGUF_TYPE_INT8:
    case GGUF_TYPE_BOOL:
      return Append<std::int8_t>(numbers, values, count);
    case GGUF_TYPE_UINT16:
      return Append<std::uint16_t>(numbers, values, count);
    case GGUF_TYPE_INT16:
      return Append<std::int16_t>(numbers, values, count);
    case GGUF_TYPE_UINT32:
      return Append<std::uint32_t>(numbers, values, count);
    case GGUF_TYPE_INT32:
      return Append<std::int32_t>(numbers, values, count);
    case GGUF_TYPE_FLOAT32:
      return Append<float>(numbers, values, count);
    case GGUF_TYPE_UINT64:
      return Append<std::uint64_t>(numbers, values, count);
    case GGUF_TYPE_INT64:
      return Append<std::int64_t>(numbers, values, count);
    case GGUF_TYPE_FLOAT64:
      return Append<double>(numbers, values, count);
    default:
      return;
  }
}

std::string Shown(double number) {
  std::array<char, 32> text{};
  std::snprintf(text.data(), text.size(), "%.10g", number);
  return text.data();
}

}  // namespace

std::string Shown(std::string_view text) {
  std::string shown(text.substr(0, kMostOfValue));
  std::ranges::replace_if(shown, [](char c) { return c < ' ' || c > '~'; }, '?');
  return text.size() > kMostOfValue ? shown + "..." : shown;
}

bool GgufValues::Has(const std::string& key) const { return gguf_find_key(gguf_, key.c_str()) >= 0; }

std::vector<double> GgufValues::Numbers(const std::string& key) const {
  std::vector<double> numbers;
  const std::int64_t id = gguf_find_key(gguf_, key.c_str());
  if (id < 0) return numbers;
  const gguf_type type = gguf_get_kv_type(gguf_, id);
  if (type == GGUF_TYPE_STRING) return numbers;
  if (type != GGUF_TYPE_ARRAY) {
    AppendOf(numbers, type, gguf_get_val_data(gguf_, id), 1);
  } else if (gguf_get_arr_type(gguf_, id) != GGUF_TYPE_STRING) {
    AppendOf(numbers, gguf_get_arr_type(gguf_, id), gguf_get_arr_data(gguf_, id), gguf_get_arr_n(gguf_, id));
  }
  return numbers;
}

std::optional<double> GgufValues::Number(const std::string& key) const {
  const std::vector<double> numbers = Numbers(key);
  return numbers.empty() ? std::nullopt : std::optional(numbers.front());
}

std::string GgufValues::Text(const std::string& key) const { return GgufText(gguf_, key); }

std::string GgufValues::Show(const std::string& key) const {
  constexpr std::size_t kMostNumbers = 6;
  const std::int64_t id = gguf_find_key(gguf_, key.c_str());
  if (id < 0) return "missing";
  if (gguf_get_kv_type(gguf_, id) == GGUF_TYPE_STRING) return '"' + Shown(gguf_get_val_str(gguf_, id)) + '"';
  const std::vector<double> numbers = Numbers(key);
  if (gguf_get_kv_type(gguf_, id) != GGUF_TYPE_ARRAY) return Shown(numbers.front());
  std::string shown = "[";
  for (std::size_t i = 0; i < std::min(numbers.size(), kMostNumbers); ++i) {
    shown += (i > 0 ? ", " : "") + Shown(numbers[i]);
  }
  return shown + (numbers.size() > kMostNumbers ? ", ...]" : "]");
}

}  // namespace medinfer
