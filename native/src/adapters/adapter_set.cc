#include "adapters/adapter_set.h"

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <utility>

namespace medinfer {
namespace {

// A salt that begins with the mark is not the caller's as it is. So no caller's salt, whatever its bytes, looks like
// one of adapters: mark, kAdapters, their number, for each the digest and the scale, and then the caller's; or mark,
// kPlain, and the caller's, which begins with the mark.
constexpr char kMark = '\x01';
constexpr char kPlain = '\x00';
constexpr char kAdapters = '\x01';
constexpr std::size_t kEntry = sizeof(Adapter::Digest) + sizeof(float);
constexpr std::size_t kHead = 2 + sizeof(std::uint32_t);

template <typename T>
void Append(std::string& text, const T& value) {
  text.append(reinterpret_cast<const char*>(&value), sizeof(value));
}

}  // namespace

void AdapterSet::Add(std::shared_ptr<const Adapter> adapter, float scale) {
  if (scale == 0) return;
  const auto precedes = [&](const std::shared_ptr<const Adapter>& other) {
    return other->digest() <= adapter->digest();
  };
  const auto at = std::ranges::find_if_not(adapters_, precedes) - adapters_.begin();
  AdapterShare share{adapter->get(), 0, scale};
  for (std::size_t i = 0; i < sizeof(share.order); ++i) share.order = share.order << 8U | adapter->digest()[i];
  shares_.insert(shares_.begin() + at, share);
  adapters_.insert(adapters_.begin() + at, std::move(adapter));
}

std::string AdapterSet::Salt(std::string_view callers) const {
  std::string salt;
  if (!adapters_.empty()) {
    salt.append({kMark, kAdapters});
    Append(salt, static_cast<std::uint32_t>(adapters_.size()));
    for (std::size_t i = 0; i < adapters_.size(); ++i) {
      Append(salt, adapters_[i]->digest());
      Append(salt, shares_[i].scale);
    }
  } else if (callers.starts_with(kMark)) {
    salt.append({kMark, kPlain});
  }
  return salt.append(callers);
}

bool AdapterSet::SaltHas(std::string_view salt, const Adapter::Digest& digest) {
  if (salt.size() < kHead || salt[0] != kMark || salt[1] != kAdapters) return false;
  std::uint32_t count = 0;
  std::memcpy(&count, salt.data() + 2, sizeof(count));
  const std::string_view wanted(reinterpret_cast<const char*>(digest.data()), digest.size());
  for (std::size_t at = kHead; count > 0 && at + kEntry <= salt.size(); --count, at += kEntry) {
    if (salt.substr(at, wanted.size()) == wanted) return true;
  }
  return false;
}

}  // namespace medinfer
