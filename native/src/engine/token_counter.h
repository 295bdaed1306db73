// Counts what the model would read of prompts, on the preparing thread, so that no count waits for a forward pass.
// Prompts with images are laid out by the image encoder, which alone uses libmtmd.
#pragma once

#include <unordered_set>
#include <vector>

#include "base/task_thread.h"
#include "medinfer/events.h"
#include "medinfer/mutex.h"
#include "medinfer/request.h"
#include "vision/image_encoder.h"

namespace medinfer {

class Model;

class TokenCounter {
 public:
  // `thread` runs the work; `encoder`: null: no images. Model, sink and thread outlive the counter; the encoder, which
  // answers to Take, lives until the thread has stopped.
  TokenCounter(const Model& model, ImageEncoder* encoder, TaskThread& thread, EventSink& sink)
      : model_(model), encoder_(encoder), thread_(thread), sink_(sink) {}
  // Ends what is left with kClosed. REQUIRES: the thread has stopped.
  ~TokenCounter();
  TokenCounter(const TokenCounter&) = delete;
  TokenCounter& operator=(const TokenCounter&) = delete;

  // Any thread. Ends with Counted or Failed. REQUIRES: an encoder where the prompt holds an image.
  void Count(RequestId id, std::vector<PromptPart> prompt, bool add_special);

  // The encoder's answer to a job that only counts. Encode thread.
  void Take(const EncodeOutcome& outcome);

 private:
  void Read(RequestId id, const std::vector<PromptPart>& prompt, bool add_special);
  void End(RequestId id, Event event);

  const Model& model_;
  ImageEncoder* encoder_;
  TaskThread& thread_;
  EventSink& sink_;
  Mutex mutex_;
  std::unordered_set<RequestId> open_ MEDINFER_GUARDED_BY(mutex_);  // counts without their event
};

}  // namespace medinfer
