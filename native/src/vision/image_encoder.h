// The image-encode thread of one model: prompts with image files go in, prompts with embeddings come out. The engine's
// thread goes on decoding text meanwhile; both read the text model's vocabulary, neither writes it.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "images/image_codec.h"
#include "medinfer/request.h"
#include "medinfer/status.h"
#include "prompt/prepared_prompt.h"

namespace medinfer {

class Projector;

struct EncodeJob {
  RequestId id = 0;
  std::vector<PromptPart> prompt;
  bool add_special = true;
  enum class Wanted : std::uint8_t {
    kPrompt,
    kEmbeddings,  // the images' chunks alone, no text
    kLeftOut,     // the same, of a prompt whose images were left out
    kCount,       // PreparedPrompt::n_tokens alone: nothing is encoded
  };
  Wanted wanted = Wanted::kPrompt;
  // Of kPrompt: images that were encoded before and are not at hand are left out (PreparedPrompt::source).
  bool may_leave_out = false;
  // Set by the engine, on any thread. Null: cannot be cancelled. A pass that serves only cancelled jobs is
  // interrupted; the outcome (kAborted) comes when the thread gets to it, so a caller that must answer at once answers
  // without waiting for it.
  std::shared_ptr<const std::atomic<bool>> cancelled;
};

struct EncodeOutcome {
  RequestId id = 0;
  Result<PreparedPrompt> prompt;
  EncodeJob::Wanted wanted = EncodeJob::Wanted::kPrompt;  // the job's
};

struct ImageEncoderStats {
  std::uint64_t images_encoded = 0;
  // Images that needed no encoding: cached, or being encoded for another prompt. Without those left out.
  std::uint64_t cache_hits = 0;
  std::uint64_t batches = 0;  // encoder passes
  std::uint64_t tokens = 0;   // that they gave
  double pass_ms = 0;         // that they took
  std::uint64_t cache_bytes = 0;
  std::uint32_t waiting = 0;  // jobs without an outcome
};

class ImageEncoder {
 public:
  // Called on the encode thread, once per job, with no lock held. Must return soon.
  using DoneFn = std::function<void(EncodeOutcome)>;

  // `projector` has to outlive the encoder, which is from now on its only user.
  ImageEncoder(Projector& projector, const ImageLimits& limits, std::uint64_t cache_bytes, DoneFn on_done);
  // Drops all jobs without an outcome and joins. A running pass is interrupted: on CPU within a few graph nodes, on
  // GPU the pass ends first.
  ~ImageEncoder();
  ImageEncoder(const ImageEncoder&) = delete;
  ImageEncoder& operator=(const ImageEncoder&) = delete;

  // Any thread; returns at once. Jobs start in this order; one that needs no encoding may overtake others.
  void Enqueue(EncodeJob job);

  ImageEncoderStats stats() const;

 private:
  class Worker;
  std::unique_ptr<Worker> worker_;
};

}  // namespace medinfer
