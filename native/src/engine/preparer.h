// Makes requests ready for the engine thread: text becomes tokens, a grammar its rules, the sampling parameters a chain
// that has read the prompt; images go to the encoder. All on one thread of its own, in the order of arrival, so that a
// long prompt stalls no forward pass.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <unordered_map>
#include <vector>

#include "base/inbox.h"
#include "base/task_thread.h"
#include "engine/commands.h"
#include "grammar/grammar_memo.h"
#include "medinfer/mutex.h"
#include "medinfer/request.h"
#include "medinfer/status.h"
#include "model/model.h"
#include "speculation/drafter.h"
#include "text/piece_table.h"
#include "text/text_framer.h"
#include "vision/image_encoder.h"

namespace medinfer {

class Preparer {
 public:
  struct Limits {
    std::uint32_t n_ctx_per_request = 0;
    std::uint32_t n_ubatch = 0;
    bool keeps_cells = false;  // of prompts that were read: then images that were encoded before may be left out
  };
  struct Job {
    RequestId id = 0;
    Request request;
    std::vector<CancelFlag> cancelled;  // by completion
    bool embed_only = false;
    std::optional<EmbedRequest> embed{};  // in place of `request`
  };

  // `thread` runs the work; `encoder`: null: no images; `inbox` gets a PreparedCommand for every job that is not
  // cancelled. Model, thread and inbox outlive the preparer; the encoder, which answers to Take, lives until the thread
  // has stopped.
  Preparer(const Model& model, ImageEncoder* encoder, const Limits& limits, TaskThread& thread, Inbox<Command>& inbox)
      : model_(model),
        encoder_(encoder),
        limits_(limits),
        framer_(model.tokenizer(), model.vocab(), model.pair_template()),
        thread_(thread),
        inbox_(inbox),
        grammars_(model.vocab()) {}
  Preparer(const Preparer&) = delete;
  Preparer& operator=(const Preparer&) = delete;

  // Any thread.
  void Prepare(Job job);
  // The encoder's answer to a job of a prompt. Encode thread.
  void Take(EncodeOutcome outcome);

 private:
  // A job whose images are at the encoder.
  struct Encoding {
    Job job;
    std::unique_ptr<TokenConstraint> constraint;
    std::vector<std::vector<std::int32_t>> candidates;  // their tokens, where those are scored
  };

  Status Read(Job& job);
  Status ReadText(RequestId id, const EmbedRequest& embed);
  void Encode(Encoding encoding, std::vector<PromptPart> prompt);
  Status Complete(Encoding encoding, PreparedPrompt prompt);
  Status Check(const PreparedPrompt& prompt) const;
  Status Bound(const Request& request, const PreparedPrompt& prompt, std::unique_ptr<TokenConstraint>& constraint);
  std::shared_ptr<const Drafter::Known> WhatIsKnown(const Request& request, const PreparedPrompt& prompt) const;
  Status Score(std::vector<std::vector<std::int32_t>> candidates, PreparedCommand& prepared) const;
  template <typename Work>
  void Guarded(RequestId id, const Work& work);

  const Model& model_;
  ImageEncoder* encoder_;
  const Limits limits_;
  const TextFramer framer_;
  TaskThread& thread_;
  Inbox<Command>& inbox_;
  GrammarMemo grammars_;                      // `thread_` alone
  std::shared_ptr<const PieceTable> pieces_;  // made where the first request wants it; `thread_` alone

  Mutex mutex_;
  std::unordered_map<RequestId, Encoding> encoding_ MEDINFER_GUARDED_BY(mutex_);
};

}  // namespace medinfer
