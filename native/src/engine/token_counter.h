// Counts what the model would read of prompts, on a thread of its own, so that nobody waits for a forward pass. Prompts
// with images are laid out by the image encoder, who alone uses libmtmd.
#pragma once

#include <mutex>
#include <unordered_set>
#include <vector>

#include "base/task_thread.h"
#include "medinfer/events.h"
#include "medinfer/request.h"
#include "vision/image_encoder.h"

namespace medinfer {

class Model;

class TokenCounter {
 public:
  // `encoder`: null: no images. Model and sink outlive the counter; the encoder, which answers to Take, lives until
  // Stop.
  TokenCounter(const Model& model, ImageEncoder* encoder, EventSink& sink);
  // Ends what is left with kClosed.
  ~TokenCounter();
  TokenCounter(const TokenCounter&) = delete;
  TokenCounter& operator=(const TokenCounter&) = delete;

  // Ends with Counted or Failed. Never by two threads at a time. REQUIRES: an encoder where the prompt holds an image.
  void Count(RequestId id, std::vector<PromptPart> prompt, bool add_special);

  // Counts begin no more. Before the encoder goes; by the thread that counts.
  void Stop() { thread_.Stop(); }

  // The encoder's answer to a job that only counts. Encode thread.
  void Take(const EncodeOutcome& outcome);

 private:
  void Read(RequestId id, const std::vector<PromptPart>& prompt, bool add_special);
  void End(RequestId id, Event event);

  const Model& model_;
  ImageEncoder* encoder_;
  EventSink& sink_;
  std::mutex mutex_;
  std::unordered_set<RequestId> open_;  // counts without their event; guarded by mutex_
  TaskThread thread_;                   // last: its task uses the others
};

}  // namespace medinfer
