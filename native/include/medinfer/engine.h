// One loaded model and the thread that runs it: requests go in, events come out.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "medinfer/events.h"
#include "medinfer/load_options.h"
#include "medinfer/model_info.h"
#include "medinfer/request.h"
#include "medinfer/stats.h"
#include "medinfer/status.h"

namespace medinfer {

class Engine {
 public:
  // Blocks for as long as loading takes: call it on a thread of its own. Afterwards `sink` receives events until
  // Close returns. REQUIRES: InitBackends succeeded (backends.h).
  static Result<std::unique_ptr<Engine>> Load(const LoadOptions& options, const ProgressFn& progress,
                                              std::shared_ptr<EventSink> sink);

  virtual ~Engine() = default;  // closes
  Engine(const Engine&) = delete;
  Engine& operator=(const Engine&) = delete;

  // The methods below may be called from any thread and return at once.

  // Queues a request. On success its events follow; on failure there are none. Completion i of a request of n has its
  // events under the returned id + i, each with a terminal event of its own; until the prompt is read, they end
  // together.
  virtual Result<RequestId> Submit(Request request) = 0;
  // Queues an image for the encoder alone; ends with Embedded.
  virtual Result<RequestId> EmbedImage(ImageFile image) = 0;
  // Queues a text; ends with Pooled. Whole texts share forward passes, without padding. kWrongTask with
  // Task::kGenerate, as Submit with the other tasks.
  virtual Result<RequestId> Embed(EmbedRequest request) = 0;
  // Counts the tokens that the model would read of a prompt, its images laid out and not encoded; ends with Counted.
  // Waits for no forward pass, and with images for at most the encoder's running one. It cannot be cancelled.
  virtual Result<RequestId> CountTokens(std::vector<PromptPart> prompt, bool add_special) = 0;
  // Ends a request with Failed(kAborted) within one forward pass. Unknown and finished ids are ignored.
  virtual void Cancel(RequestId id) = 0;
  // Ends a request with Done(kStop), and no stop string, within one forward pass: its reader has seen enough. An
  // image for the encoder alone, a candidate that is scored and a text to embed have no such end, and are cancelled.
  // Unknown and finished ids are ignored.
  virtual void Finish(RequestId id) = 0;
  // Delivers the events of a request from now on as it goes, after those that it kept back. What is not read costs no
  // wake-up of the reader's thread.
  virtual void Stream(RequestId id) = 0;
  // A paused request generates nothing; other requests go on. It keeps its KV cells until a queued one needs the room.
  virtual void Pause(RequestId id) = 0;
  virtual void Resume(RequestId id) = 0;

  // A second state of the same tokens: metadata alone. Of an unknown state, one that holds nothing.
  virtual Result<StateId> ForkState(StateId state) = 0;
  // Unknown ids are ignored. A request that has begun from the state goes on.
  virtual void DropState(StateId state) = 0;
  // Writes a state and a note of the caller's to a file, which is then that of a session; ends with Saved. `path` holds
  // the old file or the new one, never a part. Mode 0600: it holds what a patient said.
  virtual Result<RequestId> SaveState(StateId state, std::string path, std::string note) = 0;
  // Reads such a file; ends with Restored, or with Failed(kBadSession) whatever bytes the file has.
  virtual Result<RequestId> RestoreState(std::string path) = 0;

  // Reads a LoRA adapter of the model; ends with AdapterLoaded, and then requests may use it under this id. Ends with
  // Failed(kBadLora) whatever bytes the file has.
  virtual Result<RequestId> LoadAdapter(std::string path) = 0;
  // From now on no request can use it; ends with AdapterUnloaded when the last that does has ended, and its memory, and
  // all that was computed with it, is free.
  virtual Result<RequestId> UnloadAdapter(AdapterId adapter) = 0;

  virtual const ModelInfo& info() const = 0;
  virtual Stats stats() const = 0;

  virtual Result<std::vector<std::int32_t>> Tokenize(std::string_view text, bool add_special,
                                                     bool parse_special) const = 0;
  // `special`: whether control tokens are written out.
  virtual Result<std::string> Detokenize(const std::vector<std::int32_t>& tokens, bool special) const = 0;

  // Refuses new requests, ends all others with Failed(kClosed), joins the threads, frees the model. Blocks for at most
  // one graph node on CPU, one forward pass on GPU. Idempotent. After it returns, the sink is not called any more.
  virtual void Close() = 0;

 protected:
  Engine() = default;
};

}  // namespace medinfer
