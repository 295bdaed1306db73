// The parts of an engine on the random-weight model, without its threads: a test of one of its classes drives them.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "base/inbox.h"
#include "engine/commands.h"
#include "engine/pass_guard.h"
#include "loading/load_parts.h"
#include "support/engine_harness.h"

namespace medinfer::testing {

// Loads them in its constructor, which throws std::runtime_error where that fails: then the test does.
class EngineParts {
 public:
  // `change` adapts TestOptions(). `asked`: called with every question whether a pass is to be given up, before it is
  // answered.
  explicit EngineParts(
      const std::function<void(LoadOptions&)>& change = [](LoadOptions&) {}, std::function<void()> asked = [] {});

  const Model& model() const { return *loaded_.model; }
  Decoder& decoder() { return *loaded_.decoder; }
  KvPool& pool() { return *loaded_.pool; }
  DraftParts& draft() { return loaded_.draft; }
  Decoder* head() { return loaded_.head.get(); }
  const ModelInfo& info() const { return loaded_.info; }
  const ModelIdentity& identity() const { return loaded_.identity; }
  std::uint64_t swap_bytes() const { return loaded_.swap_bytes; }

  Inbox<Command> inbox;
  PassGuard guard;

  // The request's text as the model reads it.
  PreparedPrompt Prompt(const Request& request) const;
  // What the preparing thread makes of a request, with its text or with a prompt of the test's own.
  PreparedCommand Prepare(RequestId id, const Request& request) const { return Prepare(id, request, Prompt(request)); }
  PreparedCommand Prepare(RequestId id, const Request& request, PreparedPrompt prompt) const;
  // What comes before that. Nothing has cancelled it.
  static SubmitCommand Submit(RequestId id, const Request& request);

 private:
  LoadedParts loaded_;
};

}  // namespace medinfer::testing
