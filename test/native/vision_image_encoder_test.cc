#include <gtest/gtest.h>
#include <mtmd-helper.h>
#include <mtmd.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <condition_variable>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <random>
#include <set>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "support/vision_models.h"
#include "vision/encoder_pass.h"
#include "vision/image_encoder.h"
#include "vision/picture.h"
#include "vision_test_files.h"

namespace medinfer {
namespace {

using testing::LoadPair;
using testing::VisionPair;

constexpr std::uint64_t kCacheBytes = 64U << 20U;

ImageFile Share(std::vector<std::uint8_t> bytes) {
  return std::make_shared<const std::vector<std::uint8_t>>(std::move(bytes));
}

ImageFile Card(std::uint32_t width, std::uint32_t height, std::uint32_t seed = 0) {
  return Share(MakeBmp(width, height, [&](std::uint32_t x, std::uint32_t y, std::uint32_t c) {
    return (x * (7 + c) + y * 13 + seed * 101 + (x * y) % 31) & 255U;
  }));
}

PromptPart Text(const std::string& text, bool parse_special = true) { return {text, parse_special, nullptr}; }
PromptPart Image(ImageFile file) { return {"", true, std::move(file)}; }

EncodeJob MakeJob(RequestId id, std::vector<PromptPart> prompt) {
  EncodeJob job;
  job.id = id;
  job.prompt = std::move(prompt);
  return job;
}

// Collects outcomes. `hold`: the first delivery blocks the encode thread until Release, so that jobs can pile up.
class Outcomes {
 public:
  explicit Outcomes(bool hold = false) : held_(hold) {}

  ImageEncoder::DoneFn Sink() {
    return [this](EncodeOutcome outcome) {
      std::unique_lock lock(mutex_);
      order_.push_back(outcome.id);
      EXPECT_TRUE(outcomes_.emplace(outcome.id, std::move(outcome.prompt)).second) << "two outcomes of one job";
      changed_.notify_all();
      changed_.wait(lock, [this] { return !held_; });
    };
  }

  void Release() {
    const std::lock_guard lock(mutex_);
    held_ = false;
    changed_.notify_all();
  }

  // Blocks for the job's outcome.
  const Result<PreparedPrompt>& Wait(RequestId id) {
    std::unique_lock lock(mutex_);
    EXPECT_TRUE(changed_.wait_for(lock, std::chrono::minutes(1), [&] { return outcomes_.contains(id); }));
    return outcomes_.at(id);
  }
  const PreparedPrompt& Good(RequestId id) {
    const Result<PreparedPrompt>& prompt = Wait(id);
    EXPECT_TRUE(prompt.ok()) << (prompt.ok() ? "" : prompt.status().message());
    return prompt.value();
  }
  Status Bad(RequestId id) {
    const Result<PreparedPrompt>& prompt = Wait(id);
    EXPECT_FALSE(prompt.ok());
    return prompt.ok() ? Status() : prompt.status();
  }
  std::vector<RequestId> order() {
    const std::lock_guard lock(mutex_);
    return order_;
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::map<RequestId, Result<PreparedPrompt>> outcomes_;
  std::vector<RequestId> order_;
  bool held_;
};

std::unique_ptr<ImageEncoder> MakeEncoder(const VisionPair& pair, Outcomes& outcomes,
                                          std::uint64_t cache_bytes = kCacheBytes) {
  return std::make_unique<ImageEncoder>(*pair.projector, ImageLimits{}, cache_bytes, outcomes.Sink());
}

double LargestDifference(const std::vector<float>& a, const float* b) {
  double largest = 0;
  for (std::size_t i = 0; i < a.size(); ++i) largest = std::max(largest, std::abs(double{a[i]} - double{b[i]}));
  return largest;
}

// What a program does that calls libmtmd itself, with real bitmaps and one chunk at a time.
void ExpectEqualsPlainLoop(const VisionPair& pair, const std::vector<PromptPart>& parts, const PreparedPrompt& prompt,
                           double tolerance) {
  mtmd_context* context = pair.projector->context();
  std::vector<mtmd_input_text> texts(parts.size());
  std::vector<mtmd_input_part> inputs(parts.size());
  std::vector<const mtmd_input_part*> pointers;
  std::vector<mtmd::bitmap_ptr> bitmaps;
  for (std::size_t i = 0; i < parts.size(); ++i) {
    if (parts[i].image != nullptr) {
      bitmaps.emplace_back(mtmd_helper_bitmap_init_from_buf(context, parts[i].image->data(), parts[i].image->size(),
                                                            false, mtmd_helper_init_opt_default())
                               .bitmap);
      inputs[i].bitmap = bitmaps.back().get();
    } else {
      texts[i] = {parts[i].text.data(), parts[i].text.size(), false, parts[i].parse_special};
      inputs[i].text = &texts[i];
    }
    pointers.push_back(&inputs[i]);
  }
  const mtmd::input_chunks_ptr chunks(mtmd_input_chunks_init());
  ASSERT_EQ(mtmd_tokenize_from_parts(context, chunks.get(), pointers.data(), pointers.size(), true), 0);
  ASSERT_EQ(mtmd_input_chunks_size(chunks.get()), prompt.chunks.size());
  std::uint32_t n_tokens = 0;
  for (std::size_t i = 0; i < prompt.chunks.size(); ++i) {
    const mtmd_input_chunk* chunk = mtmd_input_chunks_get(chunks.get(), i);
    n_tokens += static_cast<std::uint32_t>(mtmd_input_chunk_get_n_tokens(chunk));
    if (const auto* text = std::get_if<TextChunk>(&prompt.chunks[i])) {
      std::size_t n = 0;
      const llama_token* tokens = mtmd_input_chunk_get_tokens_text(chunk, &n);
      EXPECT_EQ(*text, TextChunk(tokens, tokens + n));
      continue;
    }
    const auto& media = std::get<MediaChunk>(prompt.chunks[i]);
    ASSERT_EQ(mtmd_input_chunk_get_type(chunk), MTMD_INPUT_CHUNK_TYPE_IMAGE);
    ASSERT_EQ(media.n_tokens, mtmd_input_chunk_get_n_tokens(chunk));
    ASSERT_EQ(media.embedding->size(), std::size_t{media.n_tokens} * pair.projector->width());
    EXPECT_EQ(media.n_pos, mtmd_input_chunk_get_n_pos(chunk));
    EXPECT_EQ(media.non_causal, mtmd_decode_use_non_causal(context, chunk));
    ASSERT_EQ(media.mrope_layout != nullptr, mtmd_decode_use_mrope(context));
    for (std::size_t token = 0; media.mrope_layout != nullptr && token < media.n_tokens; ++token) {
      const mtmd_decoder_pos a = mtmd_image_tokens_get_decoder_pos(mtmd_input_chunk_get_tokens_image(chunk), 11, token);
      const mtmd_decoder_pos b =
          mtmd_image_tokens_get_decoder_pos(mtmd_input_chunk_get_tokens_image(media.mrope_layout.get()), 11, token);
      ASSERT_TRUE(a.t == b.t && a.x == b.x && a.y == b.y && a.z == b.z);
    }
    ASSERT_EQ(mtmd_encode_chunk(context, chunk), 0);
    EXPECT_LE(LargestDifference(*media.embedding, mtmd_get_output_embd(context)), tolerance) << "chunk " << i;
  }
  EXPECT_EQ(prompt.n_tokens, n_tokens);
}

class ImageEncoderTest : public ::testing::TestWithParam<const char*> {};
INSTANTIATE_TEST_SUITE_P(Families, ImageEncoderTest, ::testing::Values("llava", "qwen2vl", "gemma3", "internvl"),
                         [](const auto& family) { return std::string(family.param); });

TEST_P(ImageEncoderTest, PreparesWhatAPlainLoopDoes) {
  const VisionPair pair = LoadPair(GetParam());
  const std::vector<PromptPart> parts = {Text("the card of"),      Image(Card(120, 90)), Text("and of"),
                                         Image(Card(300, 333, 1)), Text("</s>", false),  Text("</s>")};
  Outcomes outcomes;
  auto encoder = MakeEncoder(pair, outcomes);
  encoder->Enqueue(MakeJob(1, parts));
  const PreparedPrompt& prompt = outcomes.Good(1);
  EXPECT_EQ(prompt.n_images, 2U);
  EXPECT_EQ(prompt.n_images_cached, 0U);
  EXPECT_EQ(encoder->stats().images_encoded, 2U);
  // From the cache: nothing is encoded, and everything is the same.
  encoder->Enqueue(MakeJob(2, parts));
  const PreparedPrompt& again = outcomes.Good(2);
  EXPECT_EQ(again.n_images_cached, 2U);
  EXPECT_EQ(encoder->stats().images_encoded, 2U);
  EXPECT_EQ(encoder->stats().cache_hits, 2U);
  EXPECT_GT(encoder->stats().cache_bytes, 0U);
  EXPECT_EQ(encoder->stats().waiting, 0U);
  encoder.reset();
  // Several chunks in one pass are added up in another order.
  const double tolerance = std::string(GetParam()) == "internvl" ? 1e-4 : 0;
  ExpectEqualsPlainLoop(pair, parts, prompt, tolerance);
  ExpectEqualsPlainLoop(pair, parts, again, tolerance);
}

TEST_P(ImageEncoderTest, AnyShapeEndsInAnEmbeddingOrAnError) {
  const VisionPair pair = LoadPair(GetParam());
  Outcomes outcomes;
  auto encoder = MakeEncoder(pair, outcomes);
  const std::vector<std::pair<std::uint32_t, std::uint32_t>> readable = {
      {1, 1},   {1, 2},     {3, 1},   {1, 200},   {200, 1},   {13, 13},    {14, 14}, {15, 2600},
      {20, 20}, {4000, 20}, {64, 64}, {112, 112}, {113, 111}, {1000, 800}, {500, 5}, {2, 400}};
  RequestId id = 0;
  for (const auto& [width, height] : readable) {
    encoder->Enqueue(MakeJob(++id, {Text("a"), Image(Card(width, height))}));
    const Result<PreparedPrompt>& prompt = outcomes.Wait(id);
    EXPECT_TRUE(prompt.ok()) << width << " x " << height << ": " << (prompt.ok() ? "" : prompt.status().message());
  }
  for (const auto& [width, height] : {std::pair{1U, 202U}, std::pair{5000U, 1U}, std::pair{1U, 32768U}}) {
    encoder->Enqueue(MakeJob(++id, {Image(Card(width, height))}));
    EXPECT_EQ(outcomes.Bad(id).code(), Code::kImageDecode) << width << " x " << height;
  }
}

TEST_P(ImageEncoderTest, EncodesAnImageOnceHoweverOftenItIsAskedFor) {
  const VisionPair pair = LoadPair(GetParam());
  Outcomes outcomes(/*hold=*/true);
  auto encoder = MakeEncoder(pair, outcomes);
  encoder->Enqueue(MakeJob(1, {Text("only text")}));
  outcomes.Wait(1);
  const ImageFile card = Card(100, 100, 1);
  encoder->Enqueue(MakeJob(2, {Image(card), Text("and"), Image(Share(*card))}));
  encoder->Enqueue(MakeJob(3, {Text("b"), Image(card)}));
  encoder->Enqueue(MakeJob(4, {Text("c"), Image(Card(100, 100, 2))}));
  outcomes.Release();
  EXPECT_EQ(outcomes.Good(2).n_images_cached, 1U);
  EXPECT_EQ(outcomes.Good(3).n_images_cached, 1U);
  EXPECT_EQ(outcomes.Good(4).n_images_cached, 0U);
  EXPECT_EQ(encoder->stats().images_encoded, 2U);
  EXPECT_EQ(encoder->stats().cache_hits, 2U);
  const auto first_media = [](const PreparedPrompt& prompt) -> const float* {
    for (const PromptChunk& chunk : prompt.chunks) {
      if (const auto* media = std::get_if<MediaChunk>(&chunk)) return media->embedding->data();
    }
    return nullptr;
  };
  EXPECT_EQ(first_media(outcomes.Good(2)), first_media(outcomes.Good(3)));
  EXPECT_NE(first_media(outcomes.Good(2)), first_media(outcomes.Good(4)));
}

TEST_P(ImageEncoderTest, EmbedsAnImageAlone) {
  const VisionPair pair = LoadPair(GetParam());
  Outcomes outcomes;
  auto encoder = MakeEncoder(pair, outcomes);
  EncodeJob job = MakeJob(1, {Image(Card(150, 100))});
  job.embed_only = true;
  encoder->Enqueue(std::move(job));
  const PreparedPrompt& prompt = outcomes.Good(1);
  ASSERT_FALSE(prompt.chunks.empty());
  for (const PromptChunk& chunk : prompt.chunks) EXPECT_TRUE(std::holds_alternative<MediaChunk>(chunk));
  EXPECT_EQ(prompt.n_tokens, prompt.n_media_tokens);
}

class ImageEncoderBatchTest : public ::testing::TestWithParam<const char*> {};
INSTANTIATE_TEST_SUITE_P(Families, ImageEncoderBatchTest, ::testing::Values("llava", "internvl"),
                         [](const auto& family) { return std::string(family.param); });

TEST_P(ImageEncoderBatchTest, ImagesThatWaitTogetherShareAPass) {
  const VisionPair pair = LoadPair(GetParam());
  Outcomes outcomes(/*hold=*/true);
  auto encoder = MakeEncoder(pair, outcomes);
  encoder->Enqueue(MakeJob(100, {Text("only text")}));
  outcomes.Wait(100);
  std::vector<std::vector<PromptPart>> prompts;
  for (std::uint32_t i = 0; i < 12; ++i) {
    prompts.push_back({Text("look at"), Image(Card(100 + i, 100, i))});
    encoder->Enqueue(MakeJob(i, prompts.back()));
  }
  outcomes.Release();
  for (std::uint32_t i = 0; i < 12; ++i) outcomes.Good(i);
  const ImageEncoderStats stats = encoder->stats();
  EXPECT_EQ(stats.images_encoded, 12U);
  EXPECT_LE(stats.batches, 3U);
  encoder.reset();
  for (std::uint32_t i = 0; i < 12; ++i) ExpectEqualsPlainLoop(pair, prompts[i], outcomes.Good(i), 1e-4);
}

TEST(ImageEncoderOrderTest, WithoutBatchingJobsAreServedInOrder) {
  const VisionPair pair = LoadPair("gemma3");
  Outcomes outcomes(/*hold=*/true);
  auto encoder = MakeEncoder(pair, outcomes);
  std::vector<RequestId> expected;
  for (std::uint32_t i = 1; i <= 8; ++i) {
    encoder->Enqueue(MakeJob(i, {Text("look at"), Image(Card(100 + i, 100, i))}));
    expected.push_back(i);
  }
  outcomes.Release();
  for (std::uint32_t i = 1; i <= 8; ++i) outcomes.Good(i);
  EXPECT_EQ(outcomes.order(), expected);
  EXPECT_EQ(encoder->stats().batches, 8U);
}

// The way of models whose embeddings depend on the place in the prompt, taken with one where they do not.
TEST(PictureTest, TheImagesOfAWholePromptAreEncodedTogether) {
  const VisionPair pair = LoadPair("llava");
  const std::vector<PromptPart> prompt = {Text("a"), Image(Card(60, 50, 1)), Text("b"), Image(Card(70, 50, 2))};
  std::vector<ImageInfo> infos;
  for (const std::size_t i : {1U, 3U}) infos.push_back(InspectImage(*prompt[i].image, ImageLimits{}).value());
  const auto whole = std::make_shared<Picture>(prompt, true, infos);
  whole->Load(*pair.projector);
  ASSERT_TRUE(whole->loaded());
  ASSERT_EQ(whole->Missing().size(), 2U);
  while (!whole->done()) {
    EncoderPass pass(*pair.projector);
    for (const std::size_t chunk : whole->Missing()) pass.Add(whole, chunk);
    EXPECT_EQ(pass.Run().passes, 1U);
    ASSERT_FALSE(whole->failure().has_value());
  }
  EXPECT_FALSE(whole->hash().has_value());
  ASSERT_EQ(whole->result()->chunks.size(), 2U);

  Outcomes outcomes;
  auto encoder = MakeEncoder(pair, outcomes);
  encoder->Enqueue(MakeJob(1, prompt));
  std::size_t i = 0;
  for (const PromptChunk& chunk : outcomes.Good(1).chunks) {
    const auto* media = std::get_if<MediaChunk>(&chunk);
    if (media == nullptr) continue;
    EXPECT_EQ(*media->embedding, *whole->result()->chunks[i++].embedding);
  }
  EXPECT_EQ(i, 2U);
}

TEST(ImageEncoderErrorTest, BadImagesFailTheirJobsAlone) {
  const VisionPair pair = LoadPair("llava");
  Outcomes outcomes;
  auto encoder = MakeEncoder(pair, outcomes);
  std::vector<std::uint8_t> half = ReadFixture("baseline.jpg");
  half.resize(half.size() / 2);
  encoder->Enqueue(MakeJob(1, {Image(Share(half))}));
  encoder->Enqueue(MakeJob(2, {Image(Card(50, 50)), Text("and"), Image(Share(half))}));
  encoder->Enqueue(MakeJob(3, {Image(Share({}))}));
  encoder->Enqueue(MakeJob(4, {Text("ok"), Image(Share(ReadFixture("baseline.jpg")))}));
  encoder->Enqueue(MakeJob(5, {Text("\xFF\xFE\x80"), Image(Card(50, 50))}));
  EXPECT_EQ(outcomes.Bad(1).code(), Code::kImageDecode);
  EXPECT_EQ(outcomes.Bad(2).message().rfind("image 2 of 2: ", 0), 0U) << outcomes.Bad(2).message();
  EXPECT_EQ(outcomes.Bad(3).code(), Code::kImageDecode);
  EXPECT_EQ(outcomes.Good(4).n_images, 1U);
  outcomes.Wait(5);
  EXPECT_EQ(encoder->stats().waiting, 0U);
}

TEST(ImageEncoderEmbeddedModelTest, PreparesTheExamplesAsAPlainLoopDoes) {
  const std::string root = MEDINFER_SOURCE_DIR;
  const std::string projector_path = root + "/models/medinfer-tiny-mmproj.gguf";
  VisionPair pair;
  pair.model = testing::LoadTextModel(root + "/models/medinfer-tiny.gguf");
  auto projector = Projector::Load(projector_path, pair.model.get(), 1, false, nullptr);
  ASSERT_TRUE(projector.ok()) << projector.status().message();
  pair.projector = std::move(projector.value());
  Outcomes outcomes;
  auto encoder = MakeEncoder(pair, outcomes);
  std::vector<std::vector<PromptPart>> prompts;
  for (const char* name : {"00000.png", "00001.png", "00002.png", "00003.png"}) {
    prompts.push_back({Text("USER: "), Image(Share(ReadFile(root + "/examples/prescriptions/" + name))),
                       Text("\nExtract the fields.\nASSISTANT:")});
    encoder->Enqueue(MakeJob(prompts.size(), prompts.back()));
  }
  for (RequestId id = 1; id <= prompts.size(); ++id) outcomes.Good(id);
  encoder.reset();
  for (RequestId id = 1; id <= prompts.size(); ++id) ExpectEqualsPlainLoop(pair, prompts[id - 1], outcomes.Good(id), 0);
}

TEST(ImageEncoderErrorTest, LimitsAreTheEngines) {
  const VisionPair pair = LoadPair("llava");
  Outcomes outcomes;
  ImageLimits limits;
  limits.max_pixels = 100 * 100;
  ImageEncoder encoder(*pair.projector, limits, 0, outcomes.Sink());
  encoder.Enqueue(MakeJob(1, {Image(Card(101, 100))}));
  encoder.Enqueue(MakeJob(2, {Image(Card(100, 100))}));
  EXPECT_EQ(outcomes.Bad(1).code(), Code::kImageTooLarge);
  outcomes.Good(2);
  encoder.Enqueue(MakeJob(3, {Image(Card(100, 100))}));
  EXPECT_EQ(outcomes.Good(3).n_images_cached, 0U);  // no cache
  EXPECT_EQ(encoder.stats().cache_bytes, 0U);
}

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
