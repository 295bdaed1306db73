// Jobs for the image encoder, what comes of them, and the plain loop to compare that with.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "support/vision_models.h"
#include "vision/image_encoder.h"

namespace medinfer::testing {

ImageFile Share(std::vector<std::uint8_t> bytes);

// Different pixels for each size and seed.
ImageFile Card(std::uint32_t width, std::uint32_t height, std::uint32_t seed = 0);

PromptPart Text(const std::string& text, bool parse_special = true);
PromptPart Image(ImageFile file);
EncodeJob MakeJob(RequestId id, std::vector<PromptPart> prompt);

// Collects outcomes. `hold`: the first delivery blocks the encode thread until Release, so that jobs can pile up.
class Outcomes {
 public:
  explicit Outcomes(bool hold = false) : held_(hold) {}

  ImageEncoder::DoneFn Sink();
  void Release();

  // Blocks for the job's outcome.
  const Result<PreparedPrompt>& Wait(RequestId id);
  const PreparedPrompt& Good(RequestId id);
  Status Bad(RequestId id);
  std::vector<RequestId> order();

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::map<RequestId, Result<PreparedPrompt>> outcomes_;
  std::vector<RequestId> order_;
  bool held_;
};

// Of an image alone: the values of all its pieces, in order.
std::vector<float> Embedding(ImageEncoder& encoder, Outcomes& outcomes, RequestId id, const ImageFile& card);

std::unique_ptr<ImageEncoder> MakeEncoder(const VisionPair& pair, Outcomes& outcomes,
                                          std::uint64_t cache_bytes = 64U << 20U);

// What a program does that calls libmtmd itself, with real bitmaps and one chunk at a time.
void ExpectEqualsPlainLoop(const VisionPair& pair, const std::vector<PromptPart>& parts, const PreparedPrompt& prompt,
                           double tolerance);

}  // namespace medinfer::testing
