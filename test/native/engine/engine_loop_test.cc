// The loop on a thread of the test's own, with commands put straight into its inbox: what requests are made of, and
// when they are prepared, is the test's.
#include "engine/engine_loop.h"

#include <gtest/gtest.h>
#include <llama.h>

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "base/pacer.h"
#include "support/engine_parts.h"

namespace medinfer::testing {
namespace {

bool IsTerminal(const Event& event) {
  return !std::holds_alternative<Encoded>(event.body) && !std::holds_alternative<Prefill>(event.body) &&
         !std::holds_alternative<Text>(event.body) && !std::holds_alternative<Logprobs>(event.body);
}

// A recorder that knows of every end in which order it was announced and came, and that can hold the loop.
class Ends final : public EventSink {
 public:
  void OnEvents(std::vector<Event> events) override {
    std::unique_lock lock(mutex_);
    for (const Event& event : events) {
      if (!IsTerminal(event)) continue;
      came_.push_back(event.id);
      EXPECT_LE(came_.size(), announced_.size()) << "request " << event.id << " ended and was not announced";
    }
    recorder.OnEvents(std::move(events));
    blocked_ = true;
    changed_.notify_all();
    changed_.wait(lock, [this] { return !held_; });
    blocked_ = false;
  }

  // Of the loop.
  void Announce(RequestId id) {
    const std::lock_guard lock(mutex_);
    announced_.push_back(id);
  }

  // The loop stays where it is when it next delivers events, until Release.
  void Hold() {
    const std::lock_guard lock(mutex_);
    held_ = true;
  }
  // Returns when it is there.
  void AwaitHeld() {
    std::unique_lock lock(mutex_);
    EXPECT_TRUE(changed_.wait_for(lock, std::chrono::minutes(1), [this] { return blocked_; }));
  }
  void Release() {
    const std::lock_guard lock(mutex_);
    held_ = false;
    changed_.notify_all();
  }

  std::vector<RequestId> announced() {
    const std::lock_guard lock(mutex_);
    return announced_;
  }
  std::vector<RequestId> came() {
    const std::lock_guard lock(mutex_);
    return came_;
  }

  Recorder recorder;

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<RequestId> announced_;
  std::vector<RequestId> came_;
  bool held_ = false;
  bool blocked_ = false;
};

// A loop and all that it works on.
class Rig {
 public:
  explicit Rig(const std::function<void(LoadOptions&)>& change = [](LoadOptions&) {})
      : parts([&](LoadOptions& options) {
          options.n_ctx = 8192;  // all that the model can: what is to run until it is ended does so for seconds
          change(options);
        }),
        loop({parts.model(), parts.decoder(), parts.pool(), parts.guard, parts.inbox, ends, files, adapters, pacer,
              parts.identity()},
             {/*step_budget=*/512, parts.swap_bytes(), /*cpus=*/0}, [this](RequestId id) { ends.Announce(id); }) {}
  ~Rig() { Close(); }
  Rig(const Rig&) = delete;
  Rig& operator=(const Rig&) = delete;

  void Start() {
    thread_ = std::thread([this] { loop.Run(); });
  }
  // Closes the inbox, and waits for the loop's end. Every request has ended by then, once, and was announced before.
  void Close() {
    parts.inbox.Close();
    ends.Release();
    if (!thread_.joinable()) return;
    thread_.join();
    EXPECT_EQ(ends.came(), ends.announced());
    std::vector<RequestId> ids = ends.came();
    std::ranges::sort(ids);
    EXPECT_EQ(std::ranges::adjacent_find(ids), ids.end()) << "a request ended twice";
    const Stats stats = loop.stats();
    EXPECT_EQ(stats.queued + stats.encoding + stats.running + stats.paused, 0U);
  }

  template <typename T>
  void Push(T command) {
    parts.inbox.Push(std::move(command));
  }
  // A request that is prepared.
  void Ask(RequestId id, const Request& request) {
    Push(EngineParts::Submit(id, request));
    Push(parts.Prepare(id, request));
  }
  Seen Wait(RequestId id) { return ends.recorder.Wait(id); }
  Seen Look(RequestId id) { return ends.recorder.Look(id); }
  Seen Complete(RequestId id, const Request& request) {
    Ask(id, request);
    return Wait(id);
  }
  // Stats for which `holds` is true. Fails the test where there are none for a minute.
  Stats Await(const std::function<bool(const Stats&)>& holds) {
    for (const auto end = Clock::now() + std::chrono::minutes(1); Clock::now() < end;) {
      const Stats stats = loop.stats();
      if (holds(stats)) return stats;
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
    ADD_FAILURE() << "nothing happened for a minute";
    return loop.stats();
  }

  EngineParts parts;
  Ends ends;
  TaskThread files;
  AdapterTable adapters;
  Pacer pacer;
  EngineLoop loop;

 private:
  std::thread thread_;
};

void OnePlace(LoadOptions& options) { options.batch_size = 1; }

const Done& DoneOf(const Seen& seen) { return std::get<Done>(*seen.end); }

TEST(EngineLoop, AnswersAPromptThatIsPrepared) {
  Rig rig;
  rig.Start();
  const Request request = GreedyRequest("the dose", 20);
  const std::uint32_t n = rig.parts.Prompt(request).n_tokens;
  const Seen seen = rig.Complete(1, request);
  ASSERT_TRUE(seen.done());
  EXPECT_EQ(seen.reason(), FinishReason::kLength);
  EXPECT_FALSE(seen.text.empty());
  EXPECT_EQ(seen.prefilled, n);
  EXPECT_EQ(DoneOf(seen).usage.prompt_tokens, n);
  EXPECT_EQ(DoneOf(seen).usage.completion_tokens, 20U);
  EXPECT_GE(DoneOf(seen).timings.total_ms, DoneOf(seen).timings.first_token_ms);
  EXPECT_EQ(rig.ends.announced(), std::vector<RequestId>{1});
  rig.Close();
}

TEST(EngineLoop, AnswersWhateverWasPutIntoTheInboxBeforeItRan) {
  Rig rig;
  for (RequestId id = 1; id <= 9; ++id) rig.Ask(id, GreedyRequest("the dose", 3));
  rig.Start();
  for (RequestId id = 1; id <= 9; ++id) EXPECT_TRUE(rig.Wait(id).done());
}

TEST(EngineLoop, EndsAPromptThatCouldNotBePreparedWithItsErrorAndItsSiblingsToo) {
  Rig rig;
  rig.Start();
  Request request = GreedyRequest("the dose", 5);
  request.n = 3;
  rig.Push(EngineParts::Submit(1, request));
  rig.Push(PreparedCommand{1, Status(Code::kContextFull, "too long"), {}});
  for (const RequestId id : {1U, 2U, 3U}) {
    const Seen seen = rig.Wait(id);
    ASSERT_TRUE(seen.failed());
    EXPECT_EQ(seen.code(), Code::kContextFull);
    EXPECT_EQ(std::get<Failed>(*seen.end).status.message(), "too long");
  }
  EXPECT_TRUE(rig.Complete(4, GreedyRequest("the dose", 5)).done());
  EXPECT_EQ(rig.loop.stats().failed, 3U);
  EXPECT_EQ(rig.loop.stats().aborted, 0U);
  rig.Close();
}

TEST(EngineLoop, CancelsBeforeItIsPreparedWhileItWaitsAndWhileItRuns) {
  Rig rig(OnePlace);
  rig.Start();
  const Request endless = GreedyRequest("the", -1);
  rig.Ask(1, endless);
  rig.ends.recorder.WaitForText(1);
  rig.Ask(2, endless);
  rig.Push(EngineParts::Submit(3, endless));
  EXPECT_EQ(rig.Await([](const Stats& s) { return s.queued == 2; }).running, 1U);

  rig.Push(CancelCommand{3});
  EXPECT_EQ(rig.Wait(3).code(), Code::kAborted);
  rig.Push(rig.parts.Prepare(3, endless));  // too late
  rig.Push(CancelCommand{2});
  EXPECT_EQ(rig.Wait(2).code(), Code::kAborted);
  EXPECT_EQ(rig.Look(2).text, "");
  EXPECT_FALSE(rig.Look(1).end);
  rig.Push(CancelCommand{1});
  EXPECT_EQ(rig.Wait(1).code(), Code::kAborted);
  EXPECT_TRUE(rig.Complete(4, GreedyRequest("the", 5)).done());
  const Stats stats = rig.loop.stats();
  EXPECT_EQ(stats.aborted, 3U);
  EXPECT_EQ(stats.failed, 0U);
  EXPECT_EQ(stats.completed, 1U);
  EXPECT_EQ(stats.kv_cells_used, 0U);
  rig.Close();
  EXPECT_EQ(rig.ends.came(), (std::vector<RequestId>{3, 2, 1, 4}));
}

TEST(EngineLoop, ComputesNothingForARequestThatIsCancelledBeforeTheCommandComes) {
  Rig rig;
  rig.Start();
  const Request endless = GreedyRequest("the", -1);
  SubmitCommand submit = EngineParts::Submit(1, endless);
  const CancelFlag flag = submit.cancelled[0];
  rig.Push(std::move(submit));
  rig.Push(rig.parts.Prepare(1, endless));
  rig.ends.recorder.WaitForText(1);
  flag->store(true);
  EXPECT_TRUE(rig.Complete(2, GreedyRequest("dose", 5)).done());
  const std::uint64_t generated = rig.loop.stats().generated_tokens;
  EXPECT_TRUE(rig.Complete(3, GreedyRequest("pain", 20)).done());
  EXPECT_EQ(rig.loop.stats().generated_tokens, generated + 20);
  rig.Push(CancelCommand{1});
  EXPECT_EQ(rig.Wait(1).code(), Code::kAborted);
}

TEST(EngineLoop, CancelsACompletionByItselfAndBeforeThePromptIsReadAllWithTheFirst) {
  Rig rig(OnePlace);
  rig.Start();
  Request request = GreedyRequest("the", 30);
  request.n = 3;
  rig.Push(EngineParts::Submit(1, request));
  rig.Push(CancelCommand{2});
  rig.Push(rig.parts.Prepare(1, request));
  EXPECT_EQ(rig.Wait(2).code(), Code::kAborted);
  EXPECT_TRUE(rig.Wait(1).done());
  EXPECT_TRUE(rig.Wait(3).done());
  EXPECT_EQ(rig.Look(3).text, rig.Look(1).text);

  rig.Ask(4, GreedyRequest("the", -1));
  rig.ends.recorder.WaitForText(4);
  rig.Ask(5, request);
  rig.Push(CancelCommand{5});
  for (const RequestId id : {5U, 6U, 7U}) EXPECT_EQ(rig.Wait(id).code(), Code::kAborted);
  EXPECT_FALSE(rig.Look(4).end);
}

TEST(EngineLoop, FinishesBeforeItIsPreparedWhileItWaitsAndWhileItRuns) {
  Rig rig(OnePlace);
  rig.Start();
  const Request endless = GreedyRequest("the", -1);
  rig.Ask(1, endless);
  rig.ends.recorder.WaitForText(1);
  rig.Ask(2, endless);
  rig.Push(EngineParts::Submit(3, endless));
  for (const RequestId id : {3U, 2U}) {
    rig.Push(FinishCommand{id});
    const Seen seen = rig.Wait(id);
    ASSERT_TRUE(seen.done());
    EXPECT_EQ(seen.reason(), FinishReason::kStop);
    EXPECT_EQ(seen.text, "");
    EXPECT_EQ(DoneOf(seen).usage.completion_tokens, 0U);
  }
  rig.Push(FinishCommand{1});
  const Seen some = rig.Wait(1);
  EXPECT_EQ(some.reason(), FinishReason::kStop);
  EXPECT_GT(DoneOf(some).usage.completion_tokens, 0U);
  const auto drawn = static_cast<std::int32_t>(DoneOf(some).usage.completion_tokens);
  EXPECT_EQ(rig.Complete(4, GreedyRequest("the", drawn)).text, some.text);
  EXPECT_EQ(rig.loop.stats().completed, 4U);
  EXPECT_EQ(rig.loop.stats().aborted, 0U);
}

TEST(EngineLoop, APausedRequestDrawsNothingUntilItIsResumed) {
  Rig rig;
  rig.Start();
  const Seen expected = rig.Complete(1, GreedyRequest("the", 300));
  rig.ends.Hold();
  rig.Ask(2, GreedyRequest("the", 300));
  rig.ends.AwaitHeld();
  rig.Push(PauseCommand{2, true});
  rig.ends.Release();
  const Stats paused = rig.Await([](const Stats& s) { return s.paused == 1; });
  EXPECT_EQ(paused.running, 1U);
  const std::uint64_t generated = paused.generated_tokens;
  EXPECT_TRUE(rig.Complete(3, GreedyRequest("dose", 20)).done());
  EXPECT_EQ(rig.loop.stats().generated_tokens, generated + 20);
  EXPECT_LT(rig.Look(2).text.size(), expected.text.size());
  rig.Push(PauseCommand{2, false});
  EXPECT_EQ(rig.Wait(2).text, expected.text);
  EXPECT_EQ(rig.loop.stats().paused, 0U);
}

TEST(EngineLoop, ARequestThatIsPausedBeforeItIsPreparedIsNotLetIn) {
  Rig rig(OnePlace);
  rig.Start();
  const Request request = GreedyRequest("the", 5);
  rig.Push(EngineParts::Submit(1, request));
  rig.Push(PauseCommand{1, true});
  rig.Push(rig.parts.Prepare(1, request));
  EXPECT_TRUE(rig.Complete(2, request).done());
  EXPECT_EQ(rig.loop.stats().queued, 1U);
  EXPECT_EQ(rig.Look(1).prefilled, 0U);
  rig.Push(PauseCommand{1, false});
  EXPECT_TRUE(rig.Wait(1).done());
}

TEST(EngineLoop, HoldsTheEventsOfARequestThatIsNotStreamedUntilItIs) {
  Rig rig;
  Request request = GreedyRequest("the", 300);
  request.streamed = false;
  rig.Ask(1, request);
  rig.Ask(2, GreedyRequest("dose", 20));
  rig.ends.Hold();
  rig.Start();
  rig.ends.AwaitHeld();  // with events of the second: both have begun
  rig.Push(PauseCommand{1, true});
  rig.ends.Release();
  EXPECT_TRUE(rig.Wait(2).done());
  EXPECT_EQ(rig.loop.stats().paused, 1U);
  EXPECT_EQ(rig.Look(1).prefilled, 0U);
  EXPECT_EQ(rig.Look(1).text, "");
  rig.Push(StreamCommand{1});
  rig.ends.recorder.WaitForText(1);
  EXPECT_GT(rig.Look(1).prefilled, 0U);
  EXPECT_FALSE(rig.Look(1).end);
  rig.Push(PauseCommand{1, false});
  const Seen seen = rig.Wait(1);
  EXPECT_EQ(seen.text, rig.Complete(3, GreedyRequest("the", 300)).text);
}

TEST(EngineLoop, IgnoresCommandsForWhatIsNotThere) {
  Rig rig;
  rig.Start();
  const Request request = GreedyRequest("the", 5);
  EXPECT_TRUE(rig.Complete(1, request).done());
  for (const RequestId id : {1U, 77U}) {  // ended, and never there
    rig.Push(CancelCommand{id});
    rig.Push(FinishCommand{id});
    rig.Push(PauseCommand{id, true});
    rig.Push(StreamCommand{id});
    rig.Push(rig.parts.Prepare(id, request));
    rig.Push(PreparedCommand{id, Status(Code::kInvalidArgument, "late"), {}});
    rig.Push(ForkStateCommand{id, 78});
    rig.Push(DropStateCommand{id});
    rig.Push(FileOutcome{id, Saved{3}});
    rig.Push(FileOutcome{id, Status(Code::kBadSession, "late")});
  }
  EXPECT_TRUE(rig.Complete(2, request).done());
  rig.Close();
  EXPECT_EQ(rig.ends.came(), (std::vector<RequestId>{1, 2}));
  EXPECT_EQ(rig.loop.stats().completed, 2U);
  EXPECT_EQ(rig.loop.stats().failed, 0U);
}

TEST(EngineLoop, ClosingEndsEveryRequestInWhateverStateItIs) {
  Rig rig(OnePlace);
  rig.Start();
  const Request endless = GreedyRequest("the", -1);
  Request siblings = endless;
  siblings.n = 2;
  rig.Ask(1, endless);  // runs
  rig.ends.recorder.WaitForText(1);
  rig.Ask(2, siblings);                        // wait for a place
  rig.Push(EngineParts::Submit(4, siblings));  // wait for their prompt
  rig.Await([](const Stats& s) { return s.queued == 4; });
  rig.ends.Hold();
  rig.ends.AwaitHeld();
  // In the inbox when it is closed: the loop has not seen them.
  rig.Push(EngineParts::Submit(6, siblings));
  rig.Push(rig.parts.Prepare(6, siblings));
  rig.Push(EngineParts::Submit(8, endless));
  rig.Push(CancelCommand{8});
  rig.Push(SaveCommand{9, 1, "/nowhere/session", ""});
  rig.Push(RestoreCommand{10, "/nowhere/session"});
  rig.Close();
  for (RequestId id = 1; id <= 10; ++id) {
    const Seen seen = rig.Look(id);
    EXPECT_EQ(seen.ends, 1) << id;
    ASSERT_TRUE(seen.failed()) << id;
    EXPECT_EQ(seen.code(), Code::kClosed) << id;
  }
  EXPECT_EQ(rig.ends.came().size(), 10U);
  const Stats stats = rig.loop.stats();
  EXPECT_EQ(stats.aborted, 8U);  // sessions are no requests of the table
  EXPECT_EQ(stats.kv_cells_used, 0U);
}

TEST(EngineLoop, EndsSubmissionsOfAnInboxThatWasClosedBeforeItRan) {
  Rig rig;
  rig.Ask(1, GreedyRequest("the", 5));
  rig.Push(RestoreCommand{2, "/nowhere/session"});
  rig.parts.inbox.Close();
  rig.Start();
  rig.Close();
  EXPECT_EQ(rig.Look(1).code(), Code::kClosed);
  EXPECT_EQ(rig.Look(2).code(), Code::kClosed);
  EXPECT_EQ(rig.loop.stats().steps, 0U);
}

TEST(EngineLoop, AnswersAFileThatCannotBeReadOnce) {
  Rig rig;
  rig.Start();
  rig.Push(RestoreCommand{1, "/nowhere/session"});
  EXPECT_EQ(rig.Wait(1).code(), Code::kBadSession);
  rig.Push(CancelCommand{1});
  EXPECT_TRUE(rig.Complete(2, GreedyRequest("the", 5)).done());
  rig.Close();
  EXPECT_EQ(rig.ends.came(), (std::vector<RequestId>{1, 2}));
}

TEST(EngineLoop, CountsWhatItDid) {
  Rig rig([](LoadOptions& o) {
    o.batch_size = 3;
    o.n_ctx = 512;
  });
  rig.Start();
  EXPECT_EQ(rig.loop.stats().kv_cells, 512U);
  EXPECT_EQ(rig.loop.stats().steps, 0U);
  std::uint64_t asked = 0;
  RequestId id = 1;
  for (int i = 0; i < 20; ++i) {
    Request request = GreedyRequest("the dose of " + std::string(static_cast<std::size_t>(i), 'x'), 3 + i);
    request.n = 1 + static_cast<std::uint32_t>(i % 3);
    rig.Ask(id, request);
    if (i % 4 == 1) rig.Push(CancelCommand{id});
    id += request.n;
    asked += request.n;
    rig.Push(EngineParts::Submit(id, GreedyRequest("the", 1)));
    rig.Push(PreparedCommand{id, Status(Code::kInvalidArgument, "not this"), {}});
    ++id;
    ++asked;
  }
  std::uint64_t completed = 0;
  std::uint64_t aborted = 0;
  std::uint64_t failed = 0;
  std::uint64_t generated = 0;
  std::uint64_t read = 0;
  for (RequestId each = 1; each < id; ++each) {
    const Seen seen = rig.Wait(each);
    if (seen.done()) {
      ++completed;
      generated += DoneOf(seen).usage.completion_tokens;
      read += DoneOf(seen).usage.prompt_tokens - DoneOf(seen).usage.cached_tokens;
    } else {
      ++(seen.code() == Code::kAborted ? aborted : failed);
    }
  }
  const Stats stats = rig.loop.stats();
  EXPECT_EQ(stats.completed, completed);
  EXPECT_EQ(stats.aborted, aborted);
  EXPECT_EQ(stats.failed, failed);
  EXPECT_EQ(failed, 20U);
  EXPECT_EQ(completed + aborted + failed, asked);
  // Of those that were cancelled, some tokens were read and drawn.
  EXPECT_GE(stats.generated_tokens, generated);
  EXPECT_GE(stats.prompt_tokens, read);
  EXPECT_EQ(stats.running + stats.queued + stats.encoding, 0U);
  EXPECT_EQ(stats.kv_cells_used, 0U);
  EXPECT_EQ(stats.kv.pages_used, 0U);
  rig.Close();
}

TEST(EngineLoop, CountsTokensExactlyWhereNothingIsCancelled) {
  Rig rig([](LoadOptions& o) {
    o.batch_size = 3;
    o.n_ctx = 1024;
  });
  rig.Start();
  std::uint64_t generated = 0;
  std::uint64_t read = 0;
  for (RequestId id = 1; id <= 12; ++id) {
    rig.Ask(id, GreedyRequest("the dose of a patient", static_cast<std::int32_t>(id)));
  }
  for (RequestId id = 1; id <= 12; ++id) {
    const Usage usage = DoneOf(rig.Wait(id)).usage;
    generated += usage.completion_tokens;
    read += usage.prompt_tokens - usage.cached_tokens;
  }
  EXPECT_EQ(generated, 12U * 13 / 2);
  EXPECT_EQ(rig.loop.stats().generated_tokens, generated);
  EXPECT_EQ(rig.loop.stats().prompt_tokens, read);
  EXPECT_EQ(rig.loop.stats().preemptions, 0U);
}

// An image at the encoder, and what becomes of it.
TEST(EngineLoop, CountsRequestsWhoseImagesAreEncodedApart) {
  Rig rig;
  rig.Start();
  const Request request = GreedyRequest("the", 5);
  for (const RequestId id : {1U, 2U, 3U}) {
    SubmitCommand submit = EngineParts::Submit(id, request);
    submit.images = true;
    rig.Push(std::move(submit));
  }
  EXPECT_EQ(rig.Await([](const Stats& s) { return s.encoding == 3; }).queued, 0U);
  PreparedPrompt prompt = rig.parts.Prompt(request);
  prompt.n_images = 1;
  rig.Push(rig.parts.Prepare(1, request, std::move(prompt)));
  const Seen seen = rig.Wait(1);
  EXPECT_TRUE(seen.done());
  EXPECT_EQ(rig.loop.stats().encoding, 2U);
  rig.Push(CancelCommand{2});
  EXPECT_EQ(rig.Wait(2).code(), Code::kAborted);
  EXPECT_EQ(rig.loop.stats().encoding, 1U);
  rig.Push(PreparedCommand{3, Status(Code::kImageDecode, "damaged"), {}});
  EXPECT_EQ(rig.Wait(3).code(), Code::kImageDecode);
  EXPECT_EQ(rig.loop.stats().encoding, 0U);
}

TEST(EngineLoop, JoinsTheEmbeddingsOfAnImage) {
  Rig rig;
  rig.Start();
  const auto width = static_cast<std::uint32_t>(llama_model_n_embd_inp(rig.parts.model().get()));
  const auto submit = [&](RequestId id) {
    SubmitCommand command = EngineParts::Submit(id, Request());
    command.images = true;
    command.embed_only = true;
    rig.Push(std::move(command));
  };
  PreparedPrompt prompt;
  std::vector<float> expected;
  for (std::uint32_t tokens = 1; tokens <= 3; ++tokens) {
    MediaChunk chunk;
    chunk.n_tokens = tokens;
    chunk.embedding = std::make_shared<const std::vector<float>>(tokens * width, static_cast<float>(tokens));
    expected.insert(expected.end(), chunk.embedding->begin(), chunk.embedding->end());
    prompt.n_media_tokens += tokens;
    prompt.chunks.emplace_back(std::move(chunk));
  }
  prompt.n_tokens = prompt.n_media_tokens;
  prompt.n_images = 1;
  prompt.n_images_cached = 1;
  submit(1);
  rig.Push(PreparedCommand{1, std::move(prompt), {}});
  const Seen seen = rig.Wait(1);
  ASSERT_TRUE(seen.end && std::holds_alternative<Embedded>(*seen.end));
  const auto& embedded = std::get<Embedded>(*seen.end);
  EXPECT_EQ(*embedded.values, expected);
  EXPECT_EQ(embedded.tokens, 6U);
  EXPECT_EQ(embedded.width, width);
  EXPECT_TRUE(embedded.cached);
  EXPECT_EQ(rig.loop.stats().completed, 1U);

  submit(2);
  rig.Push(FinishCommand{2});  // nothing of it could be shown
  EXPECT_EQ(rig.Wait(2).code(), Code::kAborted);
}

TEST(EngineLoop, KeepsForksAndDropsStates) {
  Rig rig([](LoadOptions& o) { o.kv_prefix_cache = false; });
  rig.Start();
  Request request = GreedyRequest("the patient has mild pain", 10);
  request.keep = true;
  const Seen kept = rig.Complete(1, request);
  ASSERT_EQ(DoneOf(kept).state, 1U);
  const std::uint32_t held = rig.loop.stats().kv.pages_used;
  EXPECT_GT(held, 0U);
  rig.Push(ForkStateCommand{1, 50});
  rig.Push(DropStateCommand{1});
  Request next = GreedyRequest("the patient has mild pain" + kept.text, 5);
  next.base = 50;
  EXPECT_GT(DoneOf(rig.Complete(2, next)).usage.cached_tokens, 5U);
  next.base = 1;
  EXPECT_EQ(DoneOf(rig.Complete(3, next)).usage.cached_tokens, 0U);
  rig.Push(DropStateCommand{50});
  EXPECT_TRUE(rig.Complete(4, GreedyRequest("the", 1)).done());
  EXPECT_EQ(rig.loop.stats().kv.pages_used, 0U);
}

}  // namespace
}  // namespace medinfer::testing
