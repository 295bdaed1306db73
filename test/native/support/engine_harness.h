// Runs an engine on a random-weight model and collects what it tells.
#pragma once

#include <chrono>
#include <condition_variable>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "medinfer/engine.h"

namespace medinfer::testing {

// What is known of one request.
struct Seen {
  std::string text;
  std::vector<PromptLogprob> prompt_logprobs;
  std::vector<TokenLogprobs> logprobs;
  std::optional<
      std::variant<Done, Scored, Embedded, Pooled, Counted, Saved, Restored, AdapterLoaded, AdapterUnloaded, Failed>>
      end;
  std::uint32_t prefilled = 0;
  int ends = 0;  // terminal events; more than one is a defect

  bool failed() const { return end && std::holds_alternative<Failed>(*end); }
  bool done() const { return end && std::holds_alternative<Done>(*end); }
  Code code() const { return std::get<Failed>(*end).status.code(); }
  FinishReason reason() const { return std::get<Done>(*end).reason; }
};

class Recorder final : public EventSink {
 public:
  void OnEvents(std::vector<Event> events) override;

  // Blocks until the request has ended. Fails the test, and returns what there is, after a minute.
  Seen Wait(RequestId id);
  // Blocks until the request has produced some text, or ended.
  void WaitForText(RequestId id);
  Seen Look(RequestId id);

 private:
  template <typename Condition>
  void WaitUntil(Condition condition);

  std::mutex mutex_;
  std::condition_variable changed_;
  std::map<RequestId, Seen> seen_;
};

// A tiny llama model of random weights, made once for each test program run.
std::string RandomModel();

// How the tests load it: F32 KV, one thread, greedy-friendly. The backends are there from here on.
LoadOptions TestOptions(const std::string& model);

struct Loaded {
  std::shared_ptr<Recorder> recorder;
  std::unique_ptr<Engine> engine;
};
// `change` adapts TestOptions(). Fails the test where loading fails.
Loaded LoadEngine(const std::string& model, const std::function<void(LoadOptions&)>& change = [](LoadOptions&) {});
// The same with an F16 cache, which devices beside the CPU can have.
Loaded LoadEngineF16(const std::string& model, const std::function<void(LoadOptions&)>& change = [](LoadOptions&) {});

// A greedy request for `n_predict` tokens that never ends earlier.
Request GreedyRequest(const std::string& prompt, std::int32_t n_predict);

// Texts of some greedy requests that share prefixes, and that a small pool makes give way to each other.
std::vector<std::string> TextsOf(const Loaded& loaded);

}  // namespace medinfer::testing
