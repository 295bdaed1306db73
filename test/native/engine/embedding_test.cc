// Texts that are embedded, without Node. What a row holds is compared with a plain loop in test/engine.
#include <gtest/gtest.h>

#include <cmath>
#include <string>
#include <vector>

#include "medinfer/engine.h"
#include "support/engine_harness.h"

namespace medinfer::testing {
namespace {

// A model that generates, pooled: it has a KV cache.
Loaded LoadPooled(Pooling pooling, const std::function<void(LoadOptions&)>& change = [](LoadOptions&) {}) {
  return LoadEngine(RandomModel(), [&](LoadOptions& options) {
    options.task = Task::kEmbed;
    options.pooling = pooling;
    options.batch_size = 8;
    change(options);
  });
}

std::string Words(int count, int seed = 0) {
  static const char* const kWords[] = {"the", "of", "dose", "patient", "has"};
  std::string text;
  for (int i = 0; i < count; ++i) text += std::string(kWords[(i * 7 + seed) % 5]) + " ";
  return text;
}

RequestId Embed(Engine& engine, EmbedRequest request) {
  const auto id = engine.Embed(std::move(request));
  EXPECT_TRUE(id.ok()) << (id.ok() ? "" : id.status().message());
  return id.ok() ? id.value() : 0;
}

class Embedding : public ::testing::TestWithParam<Pooling> {};

TEST_P(Embedding, HasTheSameRowAloneAndInABatch) {
  const Loaded alone = LoadPooled(GetParam(), [](LoadOptions& o) { o.batch_size = 1; });
  const Loaded batch = LoadPooled(GetParam(), [](LoadOptions& o) { o.n_ubatch = 64; });
  std::vector<RequestId> ids;
  for (int i = 0; i < 40; ++i) ids.push_back(Embed(*batch.engine, {Words(i % 30, i), {}, false, "", 0}));
  for (int i = 0; i < 40; ++i) {
    const Seen expected = alone.recorder->Wait(Embed(*alone.engine, {Words(i % 30, i), {}, false, "", 0}));
    const Seen seen = batch.recorder->Wait(ids[static_cast<std::size_t>(i)]);
    ASSERT_FALSE(seen.failed());
    const auto& row = *std::get<Pooled>(*seen.end).values;
    const auto& other = *std::get<Pooled>(*expected.end).values;
    ASSERT_EQ(row.size(), batch.engine->info().n_row);
    for (std::size_t k = 0; k < row.size(); ++k) ASSERT_NEAR(row[k], other[k], 1e-4) << i;
  }
  EXPECT_EQ(batch.engine->stats().kv_cells_used, 0U);
  EXPECT_EQ(batch.engine->stats().completed, 40U);
}

TEST_P(Embedding, EndsOnceHoweverItEnds) {
  const Loaded loaded = LoadPooled(GetParam(), [](LoadOptions& o) { o.n_ctx_per_request = 64; });
  EXPECT_EQ(loaded.recorder->Wait(Embed(*loaded.engine, {Words(200), {}, false, "", 0})).code(), Code::kContextFull);
  const Seen cut = loaded.recorder->Wait(Embed(*loaded.engine, {Words(200), {}, true, "", 0}));
  EXPECT_EQ(std::get<Pooled>(*cut.end).tokens, 64U);
  EXPECT_GT(std::get<Pooled>(*cut.end).cut, 100U);
  std::vector<RequestId> ids;
  for (int i = 0; i < 200; ++i) ids.push_back(Embed(*loaded.engine, {Words(12, i), {}, false, "", 0}));
  for (std::size_t i = 0; i < ids.size(); i += 3) loaded.engine->Cancel(ids[i]);
  for (std::size_t i = 1; i < ids.size(); i += 3) loaded.engine->Finish(ids[i]);
  loaded.recorder->Wait(ids.back());
  loaded.engine->Close();
  for (const RequestId id : ids) {
    const Seen seen = loaded.recorder->Look(id);
    ASSERT_EQ(seen.ends, 1);
    if (seen.failed()) {
      EXPECT_TRUE(seen.code() == Code::kAborted || seen.code() == Code::kClosed);
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Poolings, Embedding, ::testing::Values(Pooling::kMean, Pooling::kCls, Pooling::kLast),
                         [](const auto& tested) { return std::to_string(static_cast<int>(tested.param)); });

TEST(EmbeddingTasks, EachRefusesTheOthersRequests) {
  const Loaded embeds = LoadPooled(Pooling::kLast);
  EXPECT_EQ(embeds.engine->Submit(GreedyRequest("the", 1)).status().code(), Code::kWrongTask);
  EXPECT_EQ(embeds.engine->Embed({"the", "query", false, "", 0}).status().code(), Code::kWrongTask);
  const Loaded generates = LoadEngine(RandomModel());
  EXPECT_EQ(generates.engine->Embed({"the", {}, false, "", 0}).status().code(), Code::kWrongTask);
}

TEST(EmbeddingTasks, WhatTheModelCannotDoIsRefusedAtLoad) {
  const auto load = [](Task task, Pooling pooling) {
    LoadOptions options = TestOptions(RandomModel());
    options.task = task;
    options.pooling = pooling;
    return Engine::Load(options, [](float) { return true; }, std::make_shared<Recorder>()).status().code();
  };
  EXPECT_EQ(load(Task::kEmbed, Pooling::kAuto), Code::kWrongTask);
  EXPECT_EQ(load(Task::kRerank, Pooling::kAuto), Code::kWrongTask);
  EXPECT_EQ(load(Task::kRerank, Pooling::kMean), Code::kInvalidArgument);
  EXPECT_EQ(load(Task::kGenerate, Pooling::kMean), Code::kInvalidArgument);
}

}  // namespace
}  // namespace medinfer::testing
