// One run of the model's image encoder over chunks of one or several pictures.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "vision/picture.h"

struct mtmd_batch;

namespace medinfer {

class Projector;

// Encode thread only.
class EncoderPass {
 public:
  enum class Fit : std::uint8_t {
    kAdded,
    kFull,           // another pass has to take it
    kOtherShape,     // it cannot run beside what is in already
    kNeverTogether,  // this model takes one chunk per pass
    kRefused,        // not even alone
  };

  explicit EncoderPass(Projector& projector);

  Fit Add(const std::shared_ptr<Picture>& picture, std::size_t chunk);
  bool empty() const { return entries_.empty(); }
  bool Has(const std::shared_ptr<Picture>& picture) const;

  struct Totals {
    std::vector<std::shared_ptr<Picture>> done;  // pictures whose last chunk this was
    std::uint32_t passes = 0;
    std::uint32_t tokens = 0;                    // that came of them
    std::chrono::steady_clock::duration time{};  // of the passes
  };
  // Encodes what was added, chunk by chunk where it does not work together. What still cannot be encoded fails its
  // picture; where the projector's interrupt says so, the rest stays missing. Once.
  Totals Run();

 private:
  struct Deleter {
    void operator()(mtmd_batch* batch) const;
  };
  using BatchPtr = std::unique_ptr<mtmd_batch, Deleter>;
  struct Entry {
    std::shared_ptr<Picture> picture;
    std::size_t chunk = 0;
  };

  bool Encode(mtmd_batch* batch, const std::vector<Entry>& entries, Totals& totals);

  Projector& projector_;
  BatchPtr batch_;
  std::vector<Entry> entries_;
  std::uint32_t n_tokens_ = 0;
};

}  // namespace medinfer
