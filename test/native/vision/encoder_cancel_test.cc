// Jobs that are cancelled, encoders that end, and many threads at once.
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <memory>
#include <random>
#include <thread>
#include <utility>
#include <vector>

#include "support/encode_jobs.h"
#include "support/vision_models.h"
#include "vision/image_encoder.h"

namespace medinfer {
namespace {

using testing::Card;
using testing::ExpectEqualsPlainLoop;
using testing::Image;
using testing::LoadPair;
using testing::MakeEncoder;
using testing::MakeJob;
using testing::Outcomes;
using testing::Share;
using testing::Text;
using testing::VisionPair;

TEST(ImageEncoderCancelTest, CancelledJobsAreNotEncoded) {
  const VisionPair pair = LoadPair("llava");
  Outcomes outcomes(/*hold=*/true);
  auto encoder = MakeEncoder(pair, outcomes);
  encoder->Enqueue(MakeJob(1, {Text("only text")}));
  outcomes.Wait(1);
  const auto cancelled = std::make_shared<std::atomic<bool>>(true);
  const ImageFile shared = Card(80, 80);
  EncodeJob job = MakeJob(2, {Image(shared)});
  job.cancelled = cancelled;
  encoder->Enqueue(std::move(job));
  encoder->Enqueue(MakeJob(3, {Image(shared)}));
  outcomes.Release();
  EXPECT_EQ(outcomes.Bad(2).code(), Code::kAborted);
  outcomes.Good(3);
  EXPECT_EQ(encoder->stats().images_encoded, 1U);
}

// Takes some tenths of a second per image on one core.
constexpr const char* kSlow = "--embd 384 --layers 8 --heads 6 --ff 1536 --image 336";

double Seconds(std::chrono::steady_clock::time_point begin) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
}

TEST(ImageEncoderCancelTest, ARunningPassIsGivenUp) {
  const VisionPair pair = LoadPair("llava", kSlow);
  Outcomes outcomes;
  auto encoder = MakeEncoder(pair, outcomes);
  auto begin = std::chrono::steady_clock::now();
  encoder->Enqueue(MakeJob(1, {Image(Card(80, 80))}));
  outcomes.Good(1);
  const double whole = Seconds(begin);

  const auto cancelled = std::make_shared<std::atomic<bool>>(false);
  EncodeJob job = MakeJob(2, {Image(Card(81, 80))});
  job.cancelled = cancelled;
  encoder->Enqueue(std::move(job));
  std::this_thread::sleep_for(std::chrono::duration<double>(whole / 8));
  begin = std::chrono::steady_clock::now();
  *cancelled = true;
  EXPECT_EQ(outcomes.Bad(2).code(), Code::kAborted);
  EXPECT_LT(Seconds(begin), whole);
  EXPECT_EQ(encoder->stats().images_encoded, 1U);
  // The encoder is as good as before.
  encoder->Enqueue(MakeJob(3, {Image(Card(81, 80))}));
  const PreparedPrompt& after = outcomes.Good(3);
  encoder.reset();
  ExpectEqualsPlainLoop(pair, {Text(""), Image(Card(81, 80))}, after, 0);
}

TEST(ImageEncoderCancelTest, DestructionDoesNotWaitForTheQueue) {
  const VisionPair pair = LoadPair("llava", kSlow);
  Outcomes outcomes;
  auto encoder = MakeEncoder(pair, outcomes);
  for (std::uint32_t i = 0; i < 50; ++i) encoder->Enqueue(MakeJob(i, {Image(Card(80 + i, 80))}));
  std::this_thread::sleep_for(std::chrono::milliseconds(100));
  const auto begin = std::chrono::steady_clock::now();
  encoder.reset();
  EXPECT_LT(Seconds(begin), 1.0);
  EXPECT_LT(outcomes.order().size(), 50U);
}

TEST(ImageEncoderStressTest, EveryJobHasOneOutcome) {
  for (const char* family : {"llava", "internvl"}) {
    const VisionPair pair = LoadPair(family);
    Outcomes outcomes;
    auto encoder = MakeEncoder(pair, outcomes, 100 * 1000);  // a few images
    constexpr RequestId kPerThread = 40;
    std::vector<std::thread> threads;
    for (std::uint32_t t = 0; t < 3; ++t) {
      threads.emplace_back([&, t] {
        std::mt19937 random(t);
        const auto draw = [&](std::uint32_t below) {
          return std::uniform_int_distribution<std::uint32_t>(0, below - 1)(random);
        };
        for (RequestId i = 0; i < kPerThread; ++i) {
          std::vector<PromptPart> parts = {Text("x")};
          for (std::uint32_t n = draw(3); n > 0; --n) {
            parts.push_back(Image(Card(20 + draw(3) * 60, 30, draw(8))));
            parts.push_back(Text("y"));
          }
          if (draw(10) == 0) parts.push_back(Image(Share({1, 2, 3})));
          EncodeJob job = MakeJob(t * kPerThread + i, std::move(parts));
          const auto cancelled = std::make_shared<std::atomic<bool>>(false);
          job.cancelled = cancelled;
          encoder->Enqueue(std::move(job));
          if (draw(4) == 0) *cancelled = true;
          if (draw(5) == 0) std::this_thread::sleep_for(std::chrono::milliseconds(draw(10)));
        }
      });
    }
    for (std::thread& thread : threads) thread.join();
    for (RequestId id = 0; id < 3 * kPerThread; ++id) outcomes.Wait(id);
    EXPECT_EQ(encoder->stats().waiting, 0U);
  }
}

}  // namespace
}  // namespace medinfer
