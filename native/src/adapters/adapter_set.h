// The adapters of one request, with their scales. The order of the set, and of the passes that apply it, is that of
// what the adapters are: however a request names them, it computes the same.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "adapters/adapter.h"
#include "model/decoder.h"

namespace medinfer {

class AdapterSet {
 public:
  AdapterSet() = default;

  // One of scale 0 adds nothing, and is left out.
  void Add(std::shared_ptr<const Adapter> adapter, float scale);

  // What a forward pass needs of it. Valid while the set lives.
  const std::vector<AdapterShare>& shares() const { return shares_; }

  // Under which cells are shared: with no other set, and no other salt of the caller's. Of no adapters the caller's
  // own.
  std::string Salt(std::string_view callers) const;
  // Whether such a salt is one of a set with this adapter.
  static bool SaltHas(std::string_view salt, const Adapter::Digest& digest);

 private:
  std::vector<std::shared_ptr<const Adapter>> adapters_;
  std::vector<AdapterShare> shares_;  // of the adapter at the same place
};

}  // namespace medinfer
