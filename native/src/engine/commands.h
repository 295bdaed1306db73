// What can be asked of the engine's loop, through its inbox.
#pragma once

#include <memory>
#include <string>
#include <variant>
#include <vector>

#include "engine/sequence.h"
#include "grammar/token_constraint.h"
#include "medinfer/request.h"
#include "session/session_file.h"
#include "vision/image_encoder.h"

namespace medinfer {

struct SubmitCommand {
  RequestId id = 0;  // of the first completion; the others' follow
  Request request;
  std::unique_ptr<TokenConstraint> constraint;  // of the request; null: none
  std::vector<CancelFlag> cancelled;            // by completion
  bool embed_only = false;
  Clock::time_point submitted;
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
struct FollowCommand {
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
// What became of a session's file.
struct FileOutcome {
  RequestId id = 0;
  std::variant<Saved, SessionData, Status> what;
};
using Command = std::variant<SubmitCommand, CancelCommand, FinishCommand, PauseCommand, FollowCommand, ForkStateCommand,
                             DropStateCommand, SaveCommand, RestoreCommand, EncodeOutcome, FileOutcome>;

}  // namespace medinfer
