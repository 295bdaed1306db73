// A loaded LoRA adapter: its halves beside the weights that they add to, on the same device. Immutable after Load, so
// all const methods may be called from any thread; passes of the engine thread read it, so that one has to let go of it
// before it is destroyed.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "medinfer/adapter.h"
#include "medinfer/status.h"
#include "model/model.h"

struct llama_adapter_lora;

namespace medinfer {

class Adapter {
 public:
  // SHA-256 of all that shapes what the adapter adds: adapters of equal digests compute alike.
  using Digest = std::array<std::uint8_t, 32>;

  // Blocks while the file is read. `keep_going` is asked between tensors; false ends it with kAborted. Fails also with
  // what InspectAdapterFile fails with, kBadLora where a number is not finite or beyond all measure, and kOutOfMemory.
  // `model` outlives the adapter.
  static Result<std::shared_ptr<const Adapter>> Load(const std::string& path, const Model& model,
                                                     const std::function<bool()>& keep_going);
  ~Adapter();
  Adapter(const Adapter&) = delete;
  Adapter& operator=(const Adapter&) = delete;

  llama_adapter_lora* get() const { return lora_.get(); }
  const AdapterInfo& info() const { return info_; }
  const Digest& digest() const { return digest_; }
  const std::string& path() const { return path_; }

  // A weight of the adapter's that no graph so far has applied it to; empty: none. After the model's largest graph was
  // built with it, such a weight never will be. Engine thread.
  std::string FindUnused() const;

 private:
  Adapter(std::string path, std::unique_ptr<llama_adapter_lora> lora);

  const std::string path_;
  std::unique_ptr<llama_adapter_lora> lora_;
  AdapterInfo info_;
  Digest digest_{};
};

}  // namespace medinfer
