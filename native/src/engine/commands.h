// What can be asked of the engine's loop, and what other threads have ready for it, through its inbox.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "adapters/adapter_set.h"
#include "engine/request_clock.h"
#include "engine/sequence.h"
#include "medinfer/events.h"
#include "medinfer/ids.h"
#include "session/session_file.h"

namespace medinfer {

// A request begins; what the loop needs of it before it is prepared.
struct SubmitCommand {
  RequestId id = 0;                   // of the first completion; the others' follow
  std::vector<CancelFlag> cancelled;  // by completion
  Clock::time_point submitted;
  std::int32_t priority = 0;
  std::string salt;  // the caller's, and what the adapters make of it
  AdapterSet adapters;
  StateId base = 0;
  bool keep = false;
  bool streamed = true;
  bool images = false;      // its prompt has some
  bool embed_only = false;  // an image for the encoder alone
  std::optional<std::uint32_t> prompt_probs;
  bool scores = false;  // candidates: nothing is generated
  bool whole = false;   // its prompt, a text, is read in one pass
};
// It is prepared, or cannot be. Of the preparing thread.
struct PreparedCommand {
  RequestId id = 0;
  Result<PreparedPrompt> prompt;
  // Of these one list has an entry for each completion, none of what generates nothing.
  std::vector<std::unique_ptr<Generation>> generations;
  std::vector<std::unique_ptr<Scoring>> scorings{};
  std::uint32_t cut = 0;  // tokens of a text to embed that were left out
};
// The images that were left out of its prompt are encoded, or cannot be. Of the encode thread.
struct EncodedCommand {
  RequestId id = 0;
  Result<PreparedPrompt> images;
};
struct CancelCommand {
  RequestId id = 0;
};
struct FinishCommand {
  RequestId id = 0;
};
struct PauseCommand {
  RequestId id = 0;
  bool paused = false;
};
struct StreamCommand {
  RequestId id = 0;
};
struct ForkStateCommand {
  StateId from = 0;
  StateId to = 0;
};
struct DropStateCommand {
  StateId state = 0;
};
struct SaveCommand {
  RequestId id = 0;
  StateId state = 0;
  std::string path;
  std::string note;
};
struct RestoreCommand {
  RequestId id = 0;
  std::string path;
};
// What became of a session's file. Of the file thread.
struct FileOutcome {
  RequestId id = 0;
  std::variant<Saved, SessionData, Status> what;
};
struct LoadAdapterCommand {
  RequestId id = 0;
  std::string path;
  CancelFlag cancelled{};
};
// What became of it. Of the file thread.
struct AdapterOutcome {
  RequestId id = 0;
  Result<std::shared_ptr<const Adapter>> adapter;
};
// No request can ask for it any more.
struct UnloadAdapterCommand {
  RequestId id = 0;
  std::shared_ptr<const Adapter> adapter;
};
using Command = std::variant<SubmitCommand, PreparedCommand, EncodedCommand, CancelCommand, FinishCommand, PauseCommand,
                             StreamCommand, ForkStateCommand, DropStateCommand, SaveCommand, RestoreCommand,
                             FileOutcome, LoadAdapterCommand, AdapterOutcome, UnloadAdapterCommand>;

}  // namespace medinfer
