// Adapters of a running engine: who waits for whom, and what is free afterwards.
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "loading/load_parts.h"
#include "support/adapter_file.h"
#include "support/engine_harness.h"
#include "support/engine_parts.h"

namespace medinfer::testing {
namespace {

class Adapters : public ::testing::Test {
 protected:
  AdapterId Load(int seed) {
    const auto id = loaded_.engine->LoadAdapter(FileOf(seed));
    EXPECT_TRUE(id.ok());
    const Seen seen = loaded_.recorder->Wait(id.value());
    EXPECT_TRUE(seen.end && std::holds_alternative<AdapterLoaded>(*seen.end));
    return id.value();
  }
  static std::string FileOf(int seed) {
    static const EngineParts kParts;
    return RandomAdapterFile(kParts.model(), seed);
  }
  static Request Ask(const std::vector<AdapterUse>& adapters, std::int32_t n_predict = 12) {
    Request request = GreedyRequest("the dose of the day and of the night", n_predict);
    request.adapters = adapters;
    return request;
  }
  Seen Complete(const Request& request) {
    const auto id = loaded_.engine->Submit(request);
    EXPECT_TRUE(id.ok()) << id.status().message();
    return loaded_.recorder->Wait(id.value());
  }

  Loaded loaded_ = LoadEngine(RandomModel(), [](LoadOptions& options) { options.n_ctx = 8192; });
};

TEST_F(Adapters, APassHasSequencesOfDifferentAdaptersAndEachGetsWhatItGetsAlone) {
  const AdapterId one = Load(1);
  const AdapterId two = Load(2);
  const std::vector<std::vector<AdapterUse>> sets = {{}, {{one, 1}}, {{two, 1}}, {{one, 0.5F}, {two, -1}}};
  std::vector<std::string> alone;
  for (const auto& set : sets) alone.push_back(Complete(Ask(set)).text);
  for (std::size_t i = 1; i < alone.size(); ++i) EXPECT_NE(alone[i], alone[0]);
  std::vector<RequestId> ids;
  for (const auto& set : sets) {
    Request request = Ask(set);
    request.cache_salt = "again";
    ids.push_back(loaded_.engine->Submit(request).value());
  }
  for (std::size_t i = 0; i < ids.size(); ++i) EXPECT_EQ(loaded_.recorder->Wait(ids[i]).text, alone[i]);
}

TEST_F(Adapters, AnUnloadWaitsForTheLastRequestAndThenNothingIsLeft) {
  const AdapterId adapter = Load(1);
  const RequestId running = loaded_.engine->Submit(Ask({{adapter, 1}}, 8000)).value();
  loaded_.recorder->WaitForText(running);
  const RequestId unloading = loaded_.engine->UnloadAdapter(adapter).value();
  EXPECT_EQ(loaded_.engine->Submit(Ask({{adapter, 1}})).status().code(), Code::kInvalidArgument);
  EXPECT_EQ(loaded_.engine->UnloadAdapter(adapter).status().code(), Code::kInvalidArgument);
  EXPECT_TRUE(Complete(Ask({})).done());
  EXPECT_FALSE(loaded_.recorder->Look(unloading).end);
  loaded_.engine->Cancel(running);
  const Seen seen = loaded_.recorder->Wait(unloading);
  EXPECT_TRUE(seen.end && std::holds_alternative<AdapterUnloaded>(*seen.end));
  const Stats stats = loaded_.engine->stats();
  EXPECT_EQ(stats.kv.pages_used, 0U);
}

TEST_F(Adapters, CloseEndsLoadsAndUnloadsOnce) {
  const AdapterId adapter = Load(1);
  const RequestId running = loaded_.engine->Submit(Ask({{adapter, 1}}, 8000)).value();
  loaded_.recorder->WaitForText(running);
  const RequestId unloading = loaded_.engine->UnloadAdapter(adapter).value();
  std::vector<RequestId> loads;
  for (int i = 0; i < 5; ++i) loads.push_back(loaded_.engine->LoadAdapter(FileOf(2)).value());
  loaded_.engine->Cancel(loads[4]);
  loaded_.engine->Close();
  EXPECT_TRUE(std::holds_alternative<AdapterUnloaded>(*loaded_.recorder->Look(unloading).end));
  for (const RequestId load : loads) EXPECT_EQ(loaded_.recorder->Look(load).ends, 1);
  EXPECT_EQ(loaded_.recorder->Look(running).code(), Code::kClosed);
  EXPECT_EQ(loaded_.engine->LoadAdapter("x").status().code(), Code::kClosed);
  EXPECT_EQ(loaded_.engine->UnloadAdapter(adapter).status().code(), Code::kClosed);
}

TEST_F(Adapters, WhatIsWrongWithARequestIsSaid) {
  const AdapterId adapter = Load(1);
  for (const std::vector<AdapterUse>& uses : {std::vector<AdapterUse>{{adapter + 100, 1}},
                                              {{adapter, 1}, {adapter, 1}},
                                              {{adapter, 1000}},
                                              {{adapter, std::numeric_limits<float>::quiet_NaN()}},
                                              std::vector<AdapterUse>(17)}) {
    EXPECT_EQ(loaded_.engine->Submit(Ask(uses)).status().code(), Code::kInvalidArgument);
  }
}

}  // namespace
}  // namespace medinfer::testing
