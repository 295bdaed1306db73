// The engine without Node, on a random-weight model. What it computes is compared with itself, run alone: the
// comparison with a plain llama.cpp loop is in test/engine, with the addon.
#include "medinfer/engine.h"

#include <gtest/gtest.h>

#include <atomic>
#include <random>
#include <thread>

#include "support/engine_harness.h"
#include "support/places.h"

namespace medinfer::testing {
namespace {

RequestId Submit(Engine& engine, Request request) {
  const auto id = engine.Submit(std::move(request));
  EXPECT_TRUE(id.ok()) << (id.ok() ? "" : id.status().message());
  return id.ok() ? id.value() : 0;
}

std::string Prompt(int seed) {
  static const char* const kWords[] = {"the", "of", "dose", "patient", "has", "mild", "pain", "and", "a", "daily"};
  std::mt19937 random(static_cast<unsigned>(seed));
  std::string prompt;
  for (int n = 3 + seed % 20; n > 0; --n) prompt += std::string(kWords[random() % 10]) + " ";
  return prompt;
}

TEST(Engine, GeneratesTheSameTextAloneAndInABatch) {
  const Loaded alone = LoadEngine(RandomModel(), [](LoadOptions& o) { o.batch_size = 1; });
  const Loaded batch = LoadEngine(RandomModel(), [](LoadOptions& o) {
    o.batch_size = 8;
    o.n_ctx = 2048;
  });
  std::vector<RequestId> ids;
  for (int i = 0; i < 16; ++i) ids.push_back(Submit(*batch.engine, GreedyRequest(Prompt(i), 20)));
  for (int i = 0; i < 16; ++i) {
    const Seen expected = alone.recorder->Wait(Submit(*alone.engine, GreedyRequest(Prompt(i), 20)));
    const Seen seen = batch.recorder->Wait(ids[static_cast<std::size_t>(i)]);
    ASSERT_TRUE(seen.done());
    EXPECT_EQ(seen.text, expected.text);
    EXPECT_EQ(seen.reason(), FinishReason::kLength);
    EXPECT_EQ(std::get<Done>(*seen.end).usage.completion_tokens, 20U);
  }
}

TEST(Engine, APoolThatIsTooSmallForAllCostsTimeButChangesNoText) {
  const Loaded alone = LoadEngine(RandomModel(), [](LoadOptions& o) { o.batch_size = 1; });
  const Loaded tight = LoadEngine(RandomModel(), [](LoadOptions& o) {
    o.batch_size = 6;
    o.n_ctx = 160;
  });
  std::vector<RequestId> ids;
  for (int i = 0; i < 12; ++i) ids.push_back(Submit(*tight.engine, GreedyRequest(Prompt(i), 60)));
  for (int i = 0; i < 12; ++i) {
    const Seen expected = alone.recorder->Wait(Submit(*alone.engine, GreedyRequest(Prompt(i), 60)));
    const Seen seen = tight.recorder->Wait(ids[static_cast<std::size_t>(i)]);
    ASSERT_TRUE(seen.done());
    EXPECT_EQ(seen.text, expected.text);
  }
  EXPECT_GT(tight.engine->stats().preemptions, 0U);
  EXPECT_EQ(tight.engine->stats().kv_cells_used, 0U);
}

TEST(Engine, CountsTheTokensThatItWouldRead) {
  const Loaded loaded = LoadEngine(RandomModel());
  for (int i = 0; i < 20; ++i) {
    Request request = GreedyRequest(Prompt(i), 1);
    request.add_special = i % 2 == 0;
    request.prompt.push_back({Prompt(i + 1), i % 3 == 0, nullptr});
    const auto id = loaded.engine->CountTokens(request.prompt, request.add_special);
    ASSERT_TRUE(id.ok());
    const std::uint32_t counted = std::get<Counted>(*loaded.recorder->Wait(id.value()).end).tokens;
    const Seen read = loaded.recorder->Wait(Submit(*loaded.engine, std::move(request)));
    EXPECT_EQ(counted, std::get<Done>(*read.end).usage.prompt_tokens);
  }
  EXPECT_EQ(loaded.engine->CountTokens({}, true).status().code(), Code::kInvalidArgument);
}

TEST(Engine, EveryCountEndsOnceAlsoWhereTheEngineIsClosed) {
  const Loaded loaded = LoadEngine(RandomModel());
  std::string text;
  for (int i = 0; i < 2000; ++i) text += Prompt(i);
  std::vector<RequestId> ids;
  for (int i = 0; i < 50; ++i) ids.push_back(loaded.engine->CountTokens({{text, false, nullptr}}, true).value());
  loaded.engine->Close();
  std::size_t closed = 0;
  for (const RequestId id : ids) {
    const Seen seen = loaded.recorder->Look(id);
    ASSERT_EQ(seen.ends, 1);
    if (std::holds_alternative<Counted>(*seen.end)) continue;
    EXPECT_EQ(seen.code(), Code::kClosed);
    ++closed;
  }
  EXPECT_GT(closed, 0U);
  EXPECT_EQ(loaded.engine->CountTokens({{"the", false, nullptr}}, true).status().code(), Code::kClosed);
}

TEST(Engine, EndsAtAStopStringAndDoesNotShowIt) {
  const Loaded loaded = LoadEngine(RandomModel());
  const Seen whole = loaded.recorder->Wait(Submit(*loaded.engine, GreedyRequest("the dose", 30)));
  ASSERT_GT(whole.text.size(), 12U);
  Request request = GreedyRequest("the dose", 30);
  const std::string stop = whole.text.substr(8, 4);
  request.stop_strings = {"never appears", stop};
  const Seen seen = loaded.recorder->Wait(Submit(*loaded.engine, std::move(request)));
  EXPECT_EQ(seen.reason(), FinishReason::kStop);
  EXPECT_EQ(std::get<Done>(*seen.end).stop_string, stop);
  EXPECT_EQ(seen.text, whole.text.substr(0, whole.text.find(stop)));
}

TEST(Engine, EndsWhenTheRequestsContextIsFull) {
  const Loaded loaded = LoadEngine(RandomModel(), [](LoadOptions& o) { o.n_ctx_per_request = 40; });
  const Seen seen = loaded.recorder->Wait(Submit(*loaded.engine, GreedyRequest("the dose", -1)));
  EXPECT_EQ(seen.reason(), FinishReason::kContext);
  const Usage usage = std::get<Done>(*seen.end).usage;
  EXPECT_EQ(usage.prompt_tokens + usage.completion_tokens, 40U);
}

TEST(Engine, RefusesAPromptThatCanNeverFit) {
  const Loaded loaded = LoadEngine(RandomModel(), [](LoadOptions& o) { o.n_ctx_per_request = 10; });
  std::string prompt;
  for (int i = 0; i < 50; ++i) prompt += "patient ";
  EXPECT_EQ(loaded.recorder->Wait(Submit(*loaded.engine, GreedyRequest(prompt, 5))).code(), Code::kContextFull);
  EXPECT_TRUE(loaded.recorder->Wait(Submit(*loaded.engine, GreedyRequest("the", 5))).done());
}

TEST(Engine, ReadsThePromptAndDrawsNothingForZeroTokens) {
  const Loaded loaded = LoadEngine(RandomModel());
  const Seen seen = loaded.recorder->Wait(Submit(*loaded.engine, GreedyRequest("the dose", 0)));
  EXPECT_EQ(seen.reason(), FinishReason::kLength);
  EXPECT_EQ(seen.text, "");
  EXPECT_EQ(seen.prefilled, std::get<Done>(*seen.end).usage.prompt_tokens);
}

TEST(Engine, ServesHigherPrioritiesFirst) {
  const Loaded loaded = LoadEngine(RandomModel(), [](LoadOptions& o) { o.batch_size = 1; });
  const RequestId running = Submit(*loaded.engine, GreedyRequest("the", 200));
  loaded.recorder->WaitForText(running);
  Request urgent = GreedyRequest("pain", 5);
  urgent.priority = 1;
  const RequestId late = Submit(*loaded.engine, GreedyRequest("dose", 200));
  const RequestId first = Submit(*loaded.engine, std::move(urgent));
  EXPECT_TRUE(loaded.recorder->Wait(first).done());
  EXPECT_FALSE(loaded.recorder->Look(late).end);
  EXPECT_TRUE(loaded.recorder->Wait(late).done());
}

TEST(Engine, APausedRequestWaitsAndKeepsNobodyOut) {
  const Loaded loaded = LoadEngine(RandomModel(), [](LoadOptions& o) { o.batch_size = 1; });
  const Seen expected = loaded.recorder->Wait(Submit(*loaded.engine, GreedyRequest("the", 300)));
  const RequestId paused = Submit(*loaded.engine, GreedyRequest("the", 300));
  loaded.recorder->WaitForText(paused);
  loaded.engine->Pause(paused);
  EXPECT_TRUE(loaded.recorder->Wait(Submit(*loaded.engine, GreedyRequest("dose", 20))).done());
  const std::size_t shown = loaded.recorder->Look(paused).text.size();
  EXPECT_TRUE(loaded.recorder->Wait(Submit(*loaded.engine, GreedyRequest("pain", 20))).done());
  EXPECT_EQ(loaded.recorder->Look(paused).text.size(), shown);
  EXPECT_LT(shown, expected.text.size());
  loaded.engine->Resume(paused);
  EXPECT_EQ(loaded.recorder->Wait(paused).text, expected.text);
}

TEST(Engine, CancelsInEveryState) {
  const Loaded loaded = LoadEngine(RandomModel(), [](LoadOptions& o) { o.batch_size = 1; });
  const RequestId running = Submit(*loaded.engine, GreedyRequest("the", -1));
  const RequestId queued = Submit(*loaded.engine, GreedyRequest("the", -1));
  loaded.recorder->WaitForText(running);
  loaded.engine->Cancel(queued);
  EXPECT_EQ(loaded.recorder->Wait(queued).code(), Code::kAborted);
  loaded.engine->Cancel(running);
  EXPECT_EQ(loaded.recorder->Wait(running).code(), Code::kAborted);
  loaded.engine->Cancel(running);  // finished: ignored
  loaded.engine->Cancel(12345);    // unknown: ignored
  EXPECT_TRUE(loaded.recorder->Wait(Submit(*loaded.engine, GreedyRequest("the", 5))).done());
  EXPECT_EQ(loaded.engine->stats().aborted, 2U);
}

TEST(Engine, FinishesInEveryState) {
  const Loaded loaded = LoadEngine(RandomModel(), [](LoadOptions& o) { o.batch_size = 1; });
  const RequestId running = Submit(*loaded.engine, GreedyRequest("the", -1));
  const RequestId queued = Submit(*loaded.engine, GreedyRequest("the", -1));
  loaded.recorder->WaitForText(running);
  loaded.engine->Finish(queued);
  const Seen nothing = loaded.recorder->Wait(queued);
  EXPECT_EQ(nothing.reason(), FinishReason::kStop);
  EXPECT_EQ(nothing.text, "");
  EXPECT_EQ(std::get<Done>(*nothing.end).usage.completion_tokens, 0U);

  loaded.engine->Pause(running);
  loaded.engine->Finish(running);
  const Seen some = loaded.recorder->Wait(running);
  EXPECT_EQ(some.reason(), FinishReason::kStop);
  const Done& done = std::get<Done>(*some.end);
  EXPECT_EQ(done.stop_string, "");
  EXPECT_GT(done.usage.prompt_tokens, 0U);
  EXPECT_GT(done.usage.completion_tokens, 0U);
  EXPECT_GE(done.timings.total_ms, done.timings.first_token_ms);
  EXPECT_GT(done.timings.first_token_ms, 0);

  loaded.engine->Finish(running);  // finished: ignored
  loaded.engine->Finish(12345);    // unknown: ignored
  EXPECT_TRUE(loaded.recorder->Wait(Submit(*loaded.engine, GreedyRequest("the", 5))).done());
  EXPECT_EQ(loaded.engine->stats().aborted, 0U);
  EXPECT_EQ(loaded.engine->stats().completed, 3U);
  EXPECT_EQ(loaded.engine->stats().kv_cells_used, 0U);
}

TEST(Engine, GivesWhatAStopStringHeldBackWhenItIsFinished) {
  const Loaded loaded = LoadEngine(RandomModel());
  const Seen whole = loaded.recorder->Wait(Submit(*loaded.engine, GreedyRequest("the dose", 400)));
  Request request = GreedyRequest("the dose", 400);
  request.stop_strings = {whole.text + "never"};  // holds back all that is said
  const RequestId id = Submit(*loaded.engine, std::move(request));
  while (loaded.engine->stats().running == 0) std::this_thread::yield();
  loaded.engine->Finish(id);
  const Seen seen = loaded.recorder->Wait(id);
  ASSERT_TRUE(seen.done());
  EXPECT_EQ(whole.text.substr(0, seen.text.size()), seen.text);
  EXPECT_EQ(std::get<Done>(*seen.end).stop_string, "");
}

TEST(Engine, RefusesMoreThanTheQueueHolds) {
  const Loaded loaded = LoadEngine(RandomModel(), [](LoadOptions& o) {
    o.batch_size = 1;
    o.max_queue = 2;
  });
  for (int i = 0; i < 3; ++i) Submit(*loaded.engine, GreedyRequest("the", 400));
  const auto refused = loaded.engine->Submit(GreedyRequest("the", 5));
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.status().code(), Code::kQueueFull);
}

TEST(Engine, RefusesBadRequests) {
  const Loaded loaded = LoadEngine(RandomModel());
  const auto code = [&](const std::function<void(Request&)>& change) {
    Request request = GreedyRequest("the", 5);
    change(request);
    const auto id = loaded.engine->Submit(std::move(request));
    return id.ok() ? Code::kOk : id.status().code();
  };
  EXPECT_EQ(code([](Request& r) { r.prompt.clear(); }), Code::kInvalidArgument);
  EXPECT_EQ(code([](Request& r) { r.sampling.temperature = NAN; }), Code::kInvalidArgument);
  EXPECT_EQ(code([](Request& r) { r.sampling.repeat_penalty = 0; }), Code::kInvalidArgument);
  EXPECT_EQ(code([](Request& r) { r.sampling.min_keep = 1 << 30; }), Code::kInvalidArgument);
  EXPECT_EQ(code([](Request& r) { r.sampling.samplers.assign(2, SamplerKind::kTopK); }), Code::kInvalidArgument);
  EXPECT_EQ(code([](Request& r) { r.sampling.token_biases = {{-1, 0.0F}}; }), Code::kInvalidArgument);
  EXPECT_EQ(code([](Request& r) { r.sampling.dry_base = 0.5F; }), Code::kInvalidArgument);
  EXPECT_EQ(code([](Request& r) { r.n_probs = 101; }), Code::kInvalidArgument);
  EXPECT_EQ(code([](Request& r) { r.stop_strings = {""}; }), Code::kInvalidArgument);
  EXPECT_EQ(code([](Request& r) { r.n_predict = -2; }), Code::kInvalidArgument);
  EXPECT_EQ(code([](Request& r) { r.prompt[0].image = ImageData::Copy(std::vector<std::uint8_t>(9)); }),
            Code::kNoVision);
}

TEST(Engine, ReportsBadModelFiles) {
  ASSERT_TRUE(LoadEngine(RandomModel()).engine);
  const auto code = [](const std::string& path) {
    LoadOptions options;
    options.model_path = path;
    const auto engine = Engine::Load(options, [](float) { return true; }, std::make_shared<Recorder>());
    return engine.ok() ? Code::kOk : engine.status().code();
  };
  EXPECT_EQ(code("/nowhere/model.gguf"), Code::kModelNotFound);
  EXPECT_EQ(code(places::kSources), Code::kModelNotFound);
  EXPECT_EQ(code(std::string(places::kSources) + "/CMakeLists.txt"), Code::kBadGguf);
}

TEST(Engine, AbortsALoad) {
  ASSERT_TRUE(LoadEngine(RandomModel()).engine);
  LoadOptions options;
  options.model_path = RandomModel();
  const auto engine = Engine::Load(options, [](float) { return false; }, std::make_shared<Recorder>());
  ASSERT_FALSE(engine.ok());
  EXPECT_EQ(engine.status().code(), Code::kAborted);
}

TEST(Engine, EveryMethodAnswersOnAClosedEngine) {
  const Loaded loaded = LoadEngine(RandomModel());
  const RequestId pending = Submit(*loaded.engine, GreedyRequest("the", -1));
  loaded.engine->Close();
  loaded.engine->Close();
  EXPECT_EQ(loaded.recorder->Wait(pending).code(), Code::kClosed);
  EXPECT_EQ(loaded.engine->Submit(GreedyRequest("the", 5)).status().code(), Code::kClosed);
  EXPECT_EQ(loaded.engine->Tokenize("the", true, true).status().code(), Code::kClosed);
  EXPECT_EQ(loaded.engine->Detokenize({1}, true).status().code(), Code::kClosed);
  loaded.engine->Cancel(pending);
  loaded.engine->Finish(pending);
  loaded.engine->Pause(pending);
  loaded.engine->Resume(pending);
  EXPECT_EQ(loaded.engine->stats().aborted, 1U);
  EXPECT_EQ(loaded.engine->stats().kv_cells_used, 0U);
}

TEST(Engine, TokenizesAndBack) {
  const Loaded loaded = LoadEngine(RandomModel());
  const auto tokens = loaded.engine->Tokenize("the dose", false, false);
  ASSERT_TRUE(tokens.ok());
  EXPECT_NE(loaded.engine->Detokenize(tokens.value(), false).value().find("the dose"), std::string::npos);
  EXPECT_EQ(loaded.engine->Detokenize({-1}, false).status().code(), Code::kInvalidArgument);
}

// Many threads at once, and the engine closed in the middle: every request that was taken ends exactly once.
TEST(Engine, EndsEveryRequestOnceUnderFire) {
  for (int round = 0; round < 5; ++round) {
    const Loaded loaded = LoadEngine(RandomModel(), [](LoadOptions& o) {
      o.batch_size = 4;
      o.n_ctx = 200;
    });
    std::mutex mutex;
    std::vector<RequestId> taken;
    std::vector<std::thread> threads;
    for (int t = 0; t < 4; ++t) {
      threads.emplace_back([&, t] {
        std::mt19937 random(static_cast<unsigned>(round * 10 + t));
        for (int i = 0; i < 30; ++i) {
          const auto id = loaded.engine->Submit(GreedyRequest(Prompt(i), static_cast<std::int32_t>(random() % 30)));
          if (!id.ok()) continue;
          {
            const std::lock_guard lock(mutex);
            taken.push_back(id.value());
          }
          switch (random() % 5) {
            case 0:
              loaded.engine->Cancel(id.value());
              break;
            case 4:
              loaded.engine->Finish(id.value());
              loaded.engine->Cancel(id.value());
              break;
            case 1:
              loaded.engine->Pause(id.value());
              loaded.engine->Resume(id.value());
              break;
            case 2:
              static_cast<void>(loaded.engine->stats());
              break;
            default:
              static_cast<void>(loaded.engine->Tokenize("pain", true, true));
              break;
          }
        }
      });
    }
    if (round % 2 == 0) {
      std::this_thread::sleep_for(std::chrono::milliseconds(20));
      loaded.engine->Close();
    }
    for (std::thread& thread : threads) thread.join();
    for (const RequestId id : taken) EXPECT_EQ(loaded.recorder->Wait(id).ends, 1);
  }
}

}  // namespace
}  // namespace medinfer::testing
