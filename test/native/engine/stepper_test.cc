// The stepper over a real model, one step at a time: no thread, no clock. What it draws is compared with a plain
// llama.cpp loop over the same file and, where it samples, with itself alone.
#include "engine/stepper.h"

#include <gtest/gtest.h>
#include <llama.h>

#include <atomic>
#include <cmath>
#include <functional>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "support/engine_parts.h"
#include "support/plain_loop.h"

namespace medinfer::testing {
namespace {

using Tokens = std::vector<std::int32_t>;

// A stepper and all that it works on. What has ended stays readable.
struct Bench {
  explicit Bench(
      std::uint32_t step_budget = 512, const std::function<void(LoadOptions&)>& change = [](LoadOptions&) {},
      std::function<void()> asked = [] {})
      : parts(change, std::move(asked)), scheduler(cache, step_budget) {}

  // The sequences of a request, by completion.
  std::vector<Sequence*> Begin(RequestId id, const Request& request, PreparedPrompt prompt) {
    PreparedCommand prepared = parts.Prepare(id, request, std::move(prompt));
    std::vector<Sequence*> begun;
    for (std::uint32_t i = 0; i < request.n; ++i) {
      auto sequence = std::make_unique<Sequence>();
      sequence->schedule.id = id + i;
      sequence->schedule.arrival = arrivals++;
      sequence->unsent.id = id + i;
      sequence->unsent.streamed = true;
      sequence->cancelled = std::make_shared<std::atomic<bool>>(false);
      sequence->generation = std::move(prepared.generations[i]);
      begun.push_back(&requests.Add(std::move(sequence)));
      if (i > 0) scheduler.AddSibling(begun[0]->schedule, begun[i]->schedule);
    }
    begun[0]->usage.prompt_tokens = prepared.prompt.value().n_tokens;
    begun[0]->schedule.cursor = PromptCursor(std::move(prepared.prompt.value()));
    scheduler.Enqueue(begun[0]->schedule);
    return begun;
  }
  Sequence& Begin(RequestId id, const Request& request) { return *Begin(id, request, parts.Prompt(request))[0]; }

  void Step() {
    scheduler.Admit();
    stepper.Step();
    outbox.Deliver(/*idle=*/true);
  }

  // Until nothing is left to do.
  void Run() {
    for (int i = 0; i < 10000; ++i) {
      scheduler.Admit();
      if (!scheduler.HasRunnable()) return;
      Step();
    }
    ADD_FAILURE() << "10000 steps, and no end";
  }

  Seen Look(RequestId id) { return recorder.Look(id); }
  const Stepper::Counters& counters() const { return stepper.counters(); }

  EngineParts parts;
  Recorder recorder;
  std::uint64_t arrivals = 0;
  KvCache cache{parts.pool(), parts.decoder(), parts.swap_bytes()};
  Scheduler scheduler;
  Outbox outbox{recorder};
  RequestTable requests{scheduler, outbox, [](RequestId) {}};
  Stepper stepper{{parts.model(), parts.decoder(), scheduler, requests, outbox, parts.guard}};
};

Tokens DrawnAlone(const Request& request) {
  Bench bench;
  const Sequence& sequence = bench.Begin(1, request);
  bench.Run();
  return sequence.schedule.drawn;
}

Request SampledRequest(const std::string& prompt, std::uint32_t seed, std::int32_t n_predict) {
  Request request = GreedyRequest(prompt, n_predict);
  request.sampling.temperature = 1;
  request.sampling.seed = seed;
  // Entered into the logits where they lie: who draws from the same once more draws another token.
  for (std::int32_t token = 0; token < 1000; token += 3) request.sampling.token_biases.push_back({token, 2});
  return request;
}

const char* const kLong = "the patient has mild pain and a dose of the same daily, and once more the same";

TEST(Stepper, ReadsAPromptAndDrawsInOneStep) {
  Bench bench;
  Sequence& sequence = bench.Begin(1, GreedyRequest("the dose", 5));
  const std::uint32_t n = sequence.schedule.cursor.n_tokens();
  ASSERT_GT(n, 1U);
  bench.Step();
  EXPECT_EQ(bench.counters().steps, 1U);
  EXPECT_EQ(bench.counters().prompt_tokens, n);
  EXPECT_EQ(bench.counters().generated_tokens, 1U);
  EXPECT_EQ(bench.Look(1).prefilled, n);
  ASSERT_EQ(sequence.schedule.drawn.size(), 1U);
  EXPECT_EQ(sequence.schedule.pending, sequence.schedule.drawn[0]);
  EXPECT_EQ(sequence.usage.completion_tokens, 1U);
  EXPECT_TRUE(sequence.clock.prompt_read.has_value());
  EXPECT_TRUE(sequence.clock.first_token.has_value());
  EXPECT_FALSE(bench.Look(1).end);

  bench.Step();
  EXPECT_EQ(bench.counters().steps, 2U);
  EXPECT_EQ(bench.counters().prompt_tokens, n);
  EXPECT_EQ(bench.counters().generated_tokens, 2U);
  EXPECT_EQ(sequence.schedule.drawn.size(), 2U);
  EXPECT_EQ(sequence.schedule.written(), n + 1);  // the first is in the cache, the second pends

  bench.Run();
  EXPECT_EQ(bench.counters().steps, 5U);  // the last token is not read
  EXPECT_EQ(bench.Look(1).reason(), FinishReason::kLength);
  EXPECT_EQ(std::get<Done>(*bench.Look(1).end).usage.completion_tokens, 5U);
  EXPECT_EQ(bench.cache.cells_held(), 0U);
}

TEST(Stepper, ReadsAPromptInPiecesOfTheBudgetAndDrawsBehindTheLast) {
  Bench bench(/*step_budget=*/4);
  Sequence& sequence = bench.Begin(1, GreedyRequest(kLong, 5));
  const std::uint32_t n = sequence.schedule.cursor.n_tokens();
  ASSERT_GT(n, 12U);
  for (std::uint32_t read = 4; read < n; read += 4) {
    bench.Step();
    EXPECT_EQ(bench.counters().prompt_tokens, read);
    EXPECT_EQ(bench.Look(1).prefilled, read);
    EXPECT_EQ(sequence.schedule.written(), read);
    EXPECT_FALSE(sequence.clock.prompt_read);
    ASSERT_TRUE(sequence.schedule.drawn.empty());
  }
  bench.Step();
  EXPECT_EQ(bench.Look(1).prefilled, n);
  EXPECT_EQ(bench.counters().steps, (n + 3) / 4);
  EXPECT_EQ(sequence.schedule.drawn.size(), 1U);
}

TEST(Stepper, DrawsWhatAPlainLoopOfLlamaCppDraws) {
  const PlainLoop plain(RandomModel());
  for (const std::uint32_t budget : {512U, 3U}) {
    Bench bench(budget);
    RequestId id = 0;
    for (const char* const prompt : {"the", "the dose of", "mild pain and a daily dose", kLong}) {
      const Request request = GreedyRequest(prompt, 80);
      const Sequence& sequence = bench.Begin(++id, request);
      bench.Run();
      EXPECT_EQ(sequence.schedule.drawn, plain.Greedy(bench.parts.Prompt(request), 80))
          << prompt << ", budget " << budget;
    }
    EXPECT_EQ(bench.counters().generated_tokens, 4U * 80);
  }
}

TEST(Stepper, ABatchGivesEachSequenceWhatItGetsAlone) {
  const PlainLoop plain(RandomModel());
  Bench bench(/*step_budget=*/6, [](LoadOptions& o) {
    o.batch_size = 4;
    o.n_ctx = 2048;
  });
  std::mt19937 random(3);
  std::vector<std::pair<Request, Sequence*>> all;
  std::uint64_t drawn = 0;
  for (std::uint32_t i = 0; i < 16; ++i) {
    const std::string prompt = std::string(kLong).substr(random() % 30, 4 + random() % 40);
    const auto n_predict = static_cast<std::int32_t>(10 + random() % 30);
    const Request request = i % 2 == 0 ? GreedyRequest(prompt, n_predict) : SampledRequest(prompt, 100 + i, n_predict);
    all.emplace_back(request, &bench.Begin(i + 1, request));
    drawn += static_cast<std::uint64_t>(n_predict);
    for (auto steps = random() % 6; steps > 0; --steps) bench.Step();
  }
  bench.Run();
  for (std::size_t i = 0; i < all.size(); ++i) {
    const auto& [request, sequence] = all[i];
    const Tokens expected =
        i % 2 == 0 ? plain.Greedy(bench.parts.Prompt(request), request.n_predict) : DrawnAlone(request);
    EXPECT_EQ(sequence->schedule.drawn, expected) << "sequence " << i;
    EXPECT_EQ(bench.Look(i + 1).ends, 1);
  }
  EXPECT_EQ(bench.counters().generated_tokens, drawn);
  EXPECT_LT(bench.counters().steps * 2, drawn) << "there was no batch";
}

TEST(Stepper, SiblingsBeginWhenThePromptIsRead) {
  Bench bench(/*step_budget=*/4);
  Request request = SampledRequest(kLong, 7, 30);
  request.n = 4;
  const std::vector<Sequence*> all = bench.Begin(1, request, bench.parts.Prompt(request));
  const std::uint32_t n = all[0]->schedule.cursor.n_tokens();
  while (all[0]->schedule.cursor.reading()) {
    for (const Sequence* each : all) EXPECT_TRUE(each->schedule.drawn.empty());
    for (std::size_t i = 1; i < 4; ++i) EXPECT_EQ(all[i]->schedule.state, SequenceState::kSibling);
    bench.Step();
  }
  for (std::size_t i = 0; i < 4; ++i) {
    EXPECT_EQ(all[i]->schedule.state, SequenceState::kRunning);
    EXPECT_EQ(all[i]->schedule.drawn.size(), 1U) << "all of them draw in the step that ends the prompt";
    EXPECT_EQ(all[i]->usage.prompt_tokens, n);
    EXPECT_EQ(all[i]->usage.cached_tokens, i == 0 ? 0U : n);
    EXPECT_TRUE(all[i]->clock.prompt_read.has_value());
  }
  EXPECT_EQ(bench.counters().prompt_tokens, n) << "the prompt is read once for all";
  bench.Run();
  for (std::uint32_t i = 0; i < 4; ++i) {
    EXPECT_EQ(all[i]->schedule.drawn, DrawnAlone(SampledRequest(kLong, 7 + i, 30))) << "completion " << i;
  }
  EXPECT_NE(all[0]->schedule.drawn, all[1]->schedule.drawn);
  EXPECT_EQ(bench.counters().generated_tokens, 4U * 30);
}

TEST(Stepper, SiblingsWithoutAPlaceDrawTheSameLater) {
  Bench bench(/*step_budget=*/512, [](LoadOptions& o) { o.batch_size = 2; });
  Request request = SampledRequest(kLong, 7, 20);
  request.n = 4;
  const std::vector<Sequence*> all = bench.Begin(1, request, bench.parts.Prompt(request));
  bench.Step();
  EXPECT_EQ(all[1]->schedule.state, SequenceState::kRunning);
  EXPECT_EQ(all[2]->schedule.state, SequenceState::kQueued);
  EXPECT_EQ(all[3]->schedule.state, SequenceState::kQueued);
  EXPECT_EQ(all[2]->usage.prompt_tokens, all[0]->usage.prompt_tokens);
  bench.Run();
  for (std::uint32_t i = 0; i < 4; ++i) {
    EXPECT_EQ(all[i]->schedule.drawn, DrawnAlone(SampledRequest(kLong, 7 + i, 20))) << "completion " << i;
  }
}

// All that a pass may change of a sequence.
struct Account {
  std::uint32_t done;
  std::uint32_t written;
  std::int32_t position;
  std::optional<std::int32_t> pending;
  Tokens drawn;
  std::uint32_t completion_tokens;
  bool prompt_read;
  std::uint32_t prefilled;
  std::string text;

  bool operator==(const Account&) const = default;
};

Account AccountOf(Bench& bench, const Sequence& sequence) {
  const ScheduledSequence& s = sequence.schedule;
  const Seen seen = bench.Look(sequence.id());
  return {s.cursor.done(),
          s.written(),
          s.cursor.next_position(),
          s.pending,
          s.drawn,
          sequence.usage.completion_tokens,
          sequence.clock.prompt_read.has_value(),
          seen.prefilled,
          seen.text};
}

TEST(Stepper, APassThatIsGivenUpChangesNothingAboutItsSequences) {
  std::vector<CancelFlag> flags;
  bool gives_up = false;
  Bench bench(
      /*step_budget=*/8, [](LoadOptions&) {},
      [&] {
        if (!gives_up) return;
        for (const CancelFlag& flag : flags) flag->store(true);
      });
  Sequence& a = bench.Begin(1, GreedyRequest(kLong, 40));
  Sequence& b = bench.Begin(2, SampledRequest("mild pain", 9, 40));
  flags = {a.cancelled, b.cancelled};
  for (int step = 0; bench.scheduler.HasRunnable() || step == 0; ++step) {
    bench.scheduler.Admit();
    const auto before = std::pair(AccountOf(bench, a), AccountOf(bench, b));
    const Stepper::Counters counters = bench.counters();
    gives_up = true;
    bench.Step();
    gives_up = false;
    ASSERT_EQ(std::pair(AccountOf(bench, a), AccountOf(bench, b)), before) << "step " << step;
    EXPECT_EQ(bench.counters().steps, counters.steps + 1);
    EXPECT_EQ(bench.counters().prompt_tokens, counters.prompt_tokens);
    EXPECT_EQ(bench.counters().generated_tokens, counters.generated_tokens);
    EXPECT_EQ(bench.Look(1).ends + bench.Look(2).ends, 0) << "the loop ends them, with the command that says so";
    a.cancelled->store(false);
    b.cancelled->store(false);
    bench.Step();
    ASSERT_NE(std::pair(AccountOf(bench, a), AccountOf(bench, b)), before) << "step " << step;
    if (bench.Look(1).end || bench.Look(2).end) break;
  }
  bench.Run();
  EXPECT_EQ(a.schedule.drawn, DrawnAlone(GreedyRequest(kLong, 40)));
  EXPECT_EQ(b.schedule.drawn, DrawnAlone(SampledRequest("mild pain", 9, 40)));
}

// Some of the pass's work is done by then: questions are asked between the nodes of its graph.
TEST(Stepper, APassThatIsGivenUpInItsMiddleChangesNothingEither) {
  const Tokens expected = DrawnAlone(GreedyRequest(kLong, 6));
  for (const int after : {1, 2, 5, 10, 20, 40}) {
    CancelFlag flag;
    int questions = 0;
    Bench bench(
        /*step_budget=*/8, [](LoadOptions&) {},
        [&] {
          if (flag != nullptr && ++questions == after) flag->store(true);
        });
    Sequence& sequence = bench.Begin(1, GreedyRequest(kLong, 6));
    flag = sequence.cancelled;
    int passes = 0;
    for (; !bench.Look(1).end; ++passes) {
      bench.scheduler.Admit();
      const Account before = AccountOf(bench, sequence);
      questions = 0;
      bench.Step();
      ASSERT_TRUE(flag->exchange(false)) << "a pass of " << questions << " questions";
      ASSERT_TRUE(AccountOf(bench, sequence) == before) << "given up after " << after;
      bench.Step();  // no question is that one again
      ASSERT_FALSE(AccountOf(bench, sequence) == before);
    }
    EXPECT_GT(passes, 6);
    EXPECT_EQ(sequence.schedule.drawn, expected) << "given up after " << after;
  }
}

TEST(Stepper, APassGoesOnWhileOneOfItsRequestsIsWanted) {
  CancelFlag flag;
  Bench bench(
      512, [](LoadOptions&) {},
      [&] {
        if (flag != nullptr) flag->store(true);
      });
  Sequence& cancelled = bench.Begin(1, GreedyRequest("the dose", 5));
  Sequence& wanted = bench.Begin(2, GreedyRequest("mild pain", 5));
  flag = cancelled.cancelled;
  bench.Step();
  EXPECT_EQ(cancelled.schedule.drawn.size(), 1U);
  EXPECT_EQ(wanted.schedule.drawn.size(), 1U);
}

TEST(Stepper, LeavesOutWhatIsCancelledUntilItIsEnded) {
  Bench bench;
  Sequence& cancelled = bench.Begin(1, GreedyRequest("the dose", 5));
  Sequence& wanted = bench.Begin(2, GreedyRequest("mild pain", 5));
  bench.Step();
  cancelled.cancelled->store(true);
  while (!bench.Look(2).end) bench.Step();
  EXPECT_EQ(wanted.schedule.drawn, DrawnAlone(GreedyRequest("mild pain", 5)));
  EXPECT_EQ(cancelled.schedule.drawn.size(), 1U);
  const std::uint64_t steps = bench.counters().steps;
  bench.Step();
  EXPECT_EQ(bench.counters().steps, steps) << "a pass of nothing";
}

// llama.cpp has computed some of its micro-batches by then, and takes back the last alone: it would refuse what
// follows, together with all that is in the same pass.
TEST(Stepper, APassOfManyMicroBatchesThatIsGivenUpHarmsNoOther) {
  CancelFlag flag;
  int questions = 0;
  Bench bench(
      /*step_budget=*/64,
      [](LoadOptions& o) {
        o.n_batch = 64;
        o.n_ubatch = 4;
      },
      [&] {
        if (flag != nullptr && ++questions == 100) flag->store(true);
      });
  Sequence& sequence = bench.Begin(1, GreedyRequest(kLong, 20));
  flag = sequence.cancelled;
  bench.Step();
  ASSERT_TRUE(flag->load());
  EXPECT_EQ(sequence.schedule.written(), 0U);
  const Sequence& other = bench.Begin(2, GreedyRequest("mild pain", 5));
  while (!bench.Look(2).end) bench.Step();
  EXPECT_EQ(other.schedule.drawn, DrawnAlone(GreedyRequest("mild pain", 5)));
  ASSERT_FALSE(bench.Look(1).end);
  // And its place serves the next.
  bench.requests.Fail(sequence, {Code::kAborted, ""});
  const Sequence& next = bench.Begin(3, GreedyRequest(kLong, 5));
  bench.Run();
  EXPECT_EQ(next.schedule.drawn, DrawnAlone(GreedyRequest(kLong, 5)));
}

TEST(Stepper, APassIsNotGivenUpForRequestsOfAnEarlierOne) {
  Bench bench;
  Sequence& first = bench.Begin(1, GreedyRequest("the dose", 5));
  bench.Step();
  Sequence& second = bench.Begin(2, GreedyRequest("mild pain", 5));
  first.schedule.paused = true;
  first.cancelled->store(true);
  bench.Step();
  EXPECT_EQ(second.schedule.drawn.size(), 1U);
  // And the other way round: the first, which is cancelled, alone.
  second.schedule.paused = true;
  first.schedule.paused = false;
  bench.Step();
  EXPECT_EQ(first.schedule.drawn.size(), 1U);
}

TEST(Stepper, GivesThePassUpWhenTheInboxIsClosed) {
  Bench bench;
  Sequence& sequence = bench.Begin(1, GreedyRequest("the dose", 5));
  bench.parts.inbox.Close();
  bench.Step();
  EXPECT_EQ(bench.counters().steps, 1U);
  EXPECT_EQ(bench.counters().prompt_tokens, 0U);
  EXPECT_EQ(sequence.schedule.written(), 0U);
}

TEST(Stepper, APassThatFailsEndsItsRequestsAndNoOther) {
  Bench bench;
  Sequence& paused = bench.Begin(1, GreedyRequest("the dose", 9));
  bench.Step();
  paused.schedule.paused = true;
  bench.Begin(2, GreedyRequest("mild pain", 9));
  // llama.cpp refuses a token that its vocabulary does not have, and computes nothing.
  const Request request = GreedyRequest("", 9);
  bench.Begin(3, request, {{TextChunk{static_cast<std::int32_t>(bench.parts.info().n_vocab)}}, 1, 0, 0, 0});
  bench.Step();
  for (const RequestId id : {2U, 3U}) {
    const Seen seen = bench.Look(id);
    ASSERT_TRUE(seen.failed());
    EXPECT_EQ(seen.code(), Code::kBadGguf);
    EXPECT_EQ(seen.ends, 1);
    EXPECT_EQ(seen.prefilled, 0U);
  }
  EXPECT_EQ(bench.requests.outcomes().failed, 2U);
  EXPECT_FALSE(bench.Look(1).end);
  paused.schedule.paused = false;
  bench.Run();
  EXPECT_EQ(paused.schedule.drawn, DrawnAlone(GreedyRequest("the dose", 9)));
  EXPECT_EQ(bench.cache.cells_held(), 0U);
}

TEST(Stepper, EndsASequenceAtEosWhichIsNoTokenOfTheAnswer) {
  Bench bench;
  const llama_vocab* vocab = bench.parts.model().vocab();
  Request request = GreedyRequest("the dose", 5);
  request.ignore_eos = false;
  request.sampling.token_biases = {{llama_vocab_eos(vocab), 1000}};
  const Sequence& sequence = bench.Begin(1, request);
  bench.Run();
  EXPECT_EQ(bench.Look(1).reason(), FinishReason::kEos);
  EXPECT_EQ(bench.Look(1).text, "");
  EXPECT_TRUE(sequence.schedule.drawn.empty());
  EXPECT_EQ(sequence.usage.completion_tokens, 0U);
  EXPECT_EQ(bench.counters().generated_tokens, 0U);
  EXPECT_TRUE(sequence.clock.first_token.has_value());
}

TEST(Stepper, DrawsNothingForZeroTokens) {
  Bench bench;
  const Sequence& sequence = bench.Begin(1, GreedyRequest("the dose", 0));
  bench.Run();
  EXPECT_EQ(bench.Look(1).reason(), FinishReason::kLength);
  EXPECT_EQ(bench.Look(1).prefilled, sequence.usage.prompt_tokens);
  EXPECT_TRUE(sequence.schedule.drawn.empty());
  EXPECT_EQ(bench.counters().generated_tokens, 0U);
  EXPECT_FALSE(sequence.clock.first_token.has_value());
}

TEST(Stepper, EndsAGrammarsTextWhereItIsComplete) {
  Bench bench;
  Request request = GreedyRequest("the dose", -1);
  request.grammar = R"(root ::= "yes" | "no" | "maybe")";
  bench.Begin(1, request);
  request.ignore_eos = false;
  bench.Begin(2, request);
  bench.Run();
  for (const RequestId id : {1U, 2U}) {
    const Seen seen = bench.Look(id);
    ASSERT_TRUE(seen.done());
    EXPECT_EQ(seen.reason(), FinishReason::kEos);
    EXPECT_TRUE(seen.text == "yes" || seen.text == "no" || seen.text == "maybe") << seen.text;
  }
}

TEST(Stepper, FailsASequenceThatHasNoTokenToDrawAndGoesOnWithTheOthers) {
  Bench bench;
  Request request = GreedyRequest("the dose", 5);
  for (std::uint32_t token = 0; token < bench.parts.info().n_vocab; ++token) {
    request.sampling.token_biases.push_back({static_cast<std::int32_t>(token), -INFINITY});
  }
  bench.Begin(1, request);
  const Sequence& other = bench.Begin(2, GreedyRequest("mild pain", 5));
  bench.Run();
  ASSERT_TRUE(bench.Look(1).failed());
  EXPECT_EQ(bench.Look(1).code(), Code::kInvalidArgument);
  EXPECT_EQ(other.schedule.drawn, DrawnAlone(GreedyRequest("mild pain", 5)));
  EXPECT_EQ(bench.counters().generated_tokens, 5U);
}

std::string Piece(const llama_vocab* vocab, std::int32_t token) {
  std::string piece(64, '\0');
  const auto size = static_cast<std::int32_t>(piece.size());
  piece.resize(static_cast<std::size_t>(llama_token_to_piece(vocab, token, piece.data(), size, 0, /*special=*/true)));
  return piece;
}

TEST(Stepper, EmitsHowLikelyEachTokenWasAndItsBytes) {
  Bench bench;
  Request request = GreedyRequest("the dose", 12);
  request.n_probs = 3;
  const Sequence& sequence = bench.Begin(1, request);
  bench.Run();
  const Seen seen = bench.Look(1);
  ASSERT_EQ(seen.logprobs.size(), 12U);
  std::string bytes;
  for (std::size_t i = 0; i < 12; ++i) {
    const TokenLogprobs& each = seen.logprobs[i];
    EXPECT_EQ(each.token, sequence.schedule.drawn[i]);
    ASSERT_EQ(each.top_before.size(), 3U);
    EXPECT_LE(each.before, each.top_before[0].logprob);
    bytes += each.bytes;
    for (const TokenLogprob& top : each.top_before) {
      EXPECT_EQ(top.bytes, Piece(bench.parts.model().vocab(), top.token)) << top.token;
    }
  }
  EXPECT_EQ(bytes, seen.text);
}

// Embeddings of "images" that are no more than random numbers: the model reads what it is given.
PreparedPrompt WithMedia(const Bench& bench, std::uint32_t n_tokens) {
  const Tokens text = std::get<TextChunk>(bench.parts.Prompt(GreedyRequest("the card of the dose", 1)).chunks[0]);
  const auto width = static_cast<std::size_t>(llama_model_n_embd_inp(bench.parts.model().get()));
  std::mt19937 random(5);
  std::normal_distribution<float> normal;
  std::vector<float> values(n_tokens * width);
  for (float& value : values) value = normal(random);
  MediaChunk media;
  media.embedding = std::make_shared<const std::vector<float>>(std::move(values));
  media.n_tokens = n_tokens;
  media.n_pos = static_cast<std::int32_t>(n_tokens);
  PreparedPrompt prompt;
  prompt.n_tokens = n_tokens + 2 * static_cast<std::uint32_t>(text.size());
  prompt.n_media_tokens = n_tokens;
  prompt.n_images = 1;
  prompt.chunks = {text, media, text};
  return prompt;
}

TEST(Stepper, ReadsEmbeddingsInPiecesAsAPlainLoopDoesWhole) {
  const PlainLoop plain(RandomModel());
  for (const std::uint32_t budget : {3U, 512U}) {
    Bench bench(budget);
    const PreparedPrompt prompt = WithMedia(bench, 10);
    PreparedPrompt ends_with_media = prompt;
    ends_with_media.n_tokens -= static_cast<std::uint32_t>(std::get<TextChunk>(prompt.chunks[2]).size());
    ends_with_media.chunks.pop_back();
    const Sequence& a = *bench.Begin(1, GreedyRequest("", 30), prompt)[0];
    const Sequence& b = *bench.Begin(2, GreedyRequest("", 30), ends_with_media)[0];
    const Sequence& text = bench.Begin(3, GreedyRequest("mild pain", 30));
    bench.Run();
    EXPECT_EQ(a.schedule.drawn, plain.Greedy(prompt, 30)) << "budget " << budget;
    EXPECT_EQ(b.schedule.drawn, plain.Greedy(ends_with_media, 30)) << "budget " << budget;
    EXPECT_EQ(text.schedule.drawn, DrawnAlone(GreedyRequest("mild pain", 30))) << "budget " << budget;
    EXPECT_EQ(bench.counters().prompt_tokens,
              prompt.n_tokens + ends_with_media.n_tokens + text.schedule.cursor.n_tokens());
    EXPECT_EQ(bench.Look(2).prefilled, ends_with_media.n_tokens);
  }
}

TEST(Stepper, SiblingsBeginBehindAPromptThatEndsWithEmbeddings) {
  Bench bench(/*step_budget=*/4);
  PreparedPrompt prompt = WithMedia(bench, 10);
  prompt.n_tokens -= static_cast<std::uint32_t>(std::get<TextChunk>(prompt.chunks[2]).size());
  prompt.chunks.pop_back();
  Request request = SampledRequest("", 3, 20);
  request.n = 3;
  const std::vector<Sequence*> all = bench.Begin(1, request, prompt);
  bench.Run();
  for (std::uint32_t i = 0; i < 3; ++i) {
    Bench alone;
    const Sequence& expected = *alone.Begin(1, SampledRequest("", 3 + i, 20), prompt)[0];
    alone.Run();
    EXPECT_EQ(all[i]->schedule.drawn, expected.schedule.drawn) << "completion " << i;
  }
}

}  // namespace
}  // namespace medinfer::testing
