#include "vision/image_encoder.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "device/cpu_share.h"
#include "support/encode_jobs.h"
#include "support/image_files.h"
#include "support/places.h"
#include "support/vision_models.h"
#include "vision/encoder_pass.h"
#include "vision/picture.h"

namespace medinfer {
namespace {

using testing::Card;
using testing::Embedding;
using testing::ExpectEqualsPlainLoop;
using testing::Image;
using testing::LoadPair;
using testing::MakeEncoder;
using testing::MakeJob;
using testing::Outcomes;
using testing::Share;
using testing::Text;
using testing::VisionPair;

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

TEST_P(ImageEncoderTest, CountsTokensAndEncodesNothing) {
  const VisionPair pair = LoadPair(GetParam());
  const std::vector<PromptPart> parts = {Text("the card of"), Image(Card(120, 90)), Text("and of"),
                                         Image(Card(300, 333, 1)), Image(Card(64, 64, 2))};
  Outcomes outcomes;
  auto encoder = MakeEncoder(pair, outcomes);
  EncodeJob count = MakeJob(1, parts);
  count.wanted = EncodeJob::Wanted::kCount;
  encoder->Enqueue(std::move(count));
  const std::uint32_t counted = outcomes.Good(1).n_tokens;
  EXPECT_EQ(encoder->stats().images_encoded, 0U);
  EXPECT_EQ(encoder->stats().cache_hits, 0U);
  encoder->Enqueue(MakeJob(2, parts));
  EXPECT_EQ(counted, outcomes.Good(2).n_tokens);

  EncodeJob damaged = MakeJob(3, {Text("the card of"), Image(Share({1, 2, 3}))});
  damaged.wanted = EncodeJob::Wanted::kCount;
  encoder->Enqueue(std::move(damaged));
  EXPECT_EQ(outcomes.Bad(3).code(), Code::kImageDecode);
}

TEST_P(ImageEncoderTest, LeavesOutWhatWasEncodedBeforeWhereItMay) {
  const VisionPair pair = LoadPair(GetParam());
  const std::vector<PromptPart> parts = {Text("the card of"), Image(Card(120, 90)), Text("and of"),
                                         Image(Card(300, 333, 1))};
  Outcomes outcomes;
  auto encoder = MakeEncoder(pair, outcomes, /*cache_bytes=*/1);
  const auto ask = [&](RequestId id, const std::vector<PromptPart>& prompt,
                       EncodeJob::Wanted wanted = EncodeJob::Wanted::kPrompt) {
    EncodeJob job = MakeJob(id, prompt);
    job.wanted = wanted;
    job.may_leave_out = wanted == EncodeJob::Wanted::kPrompt;
    encoder->Enqueue(std::move(job));
    return outcomes.Good(id);
  };
  ask(1, {parts[0], parts[1]});
  // The first was encoded, the second was not.
  const PreparedPrompt part = ask(2, parts);
  EXPECT_EQ(part.n_images_left, 1U);
  EXPECT_EQ(part.n_images_cached, 1U);
  const PreparedPrompt left = ask(3, parts);
  EXPECT_EQ(left.n_images_left, 2U);
  ASSERT_NE(left.source, nullptr);
  EXPECT_EQ(encoder->stats().images_encoded, 2U);
  EXPECT_EQ(encoder->stats().cache_hits, 0U);
  const PreparedPrompt images = ask(4, *left.source, EncodeJob::Wanted::kLeftOut);
  EXPECT_EQ(encoder->stats().images_encoded, 4U);
  // All but the embeddings is that of a prompt that has them.
  EncodeJob job = MakeJob(5, parts);
  encoder->Enqueue(std::move(job));
  const PreparedPrompt& whole = outcomes.Good(5);
  EXPECT_EQ(whole.source, nullptr);
  EXPECT_EQ(left.n_tokens, whole.n_tokens);
  EXPECT_EQ(left.n_media_tokens, whole.n_media_tokens);
  ASSERT_EQ(left.chunks.size(), whole.chunks.size());
  std::size_t n_media = 0;
  for (std::size_t i = 0; i < whole.chunks.size(); ++i) {
    const auto* media = std::get_if<MediaChunk>(&whole.chunks[i]);
    if (media == nullptr) {
      EXPECT_EQ(std::get<TextChunk>(left.chunks[i]), std::get<TextChunk>(whole.chunks[i]));
      continue;
    }
    const auto& mine = std::get<MediaChunk>(left.chunks[i]);
    EXPECT_EQ(mine.embedding, nullptr);
    EXPECT_EQ(mine.n_tokens, media->n_tokens);
    EXPECT_EQ(mine.n_pos, media->n_pos);
    EXPECT_EQ(mine.origin->digest, media->origin->digest);
    EXPECT_EQ(mine.origin->first_token, media->origin->first_token);
    ASSERT_LT(n_media, images.chunks.size());
    EXPECT_EQ(std::get<MediaChunk>(images.chunks[n_media++]).n_tokens, media->n_tokens);
  }
  EXPECT_EQ(n_media, images.chunks.size());
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
    EXPECT_EQ(outcomes.Bad(id).code(), Code::kImageTooLarge) << width << " x " << height;
  }
}

TEST_P(ImageEncoderTest, EncodesAnImageOnceHoweverOftenItIsAskedFor) {
  const VisionPair pair = LoadPair(GetParam());
  Outcomes outcomes(/*hold=*/true);
  auto encoder = MakeEncoder(pair, outcomes);
  encoder->Enqueue(MakeJob(1, {Text("only text")}));
  outcomes.Wait(1);
  const ImageFile card = Card(100, 100, 1);
  encoder->Enqueue(MakeJob(2, {Image(card), Text("and"), Image(ImageData::Copy(card->bytes()))}));
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
  job.wanted = EncodeJob::Wanted::kEmbeddings;
  encoder->Enqueue(std::move(job));
  const PreparedPrompt& prompt = outcomes.Good(1);
  ASSERT_FALSE(prompt.chunks.empty());
  for (const PromptChunk& chunk : prompt.chunks) EXPECT_TRUE(std::holds_alternative<MediaChunk>(chunk));
  EXPECT_EQ(prompt.n_tokens, prompt.n_media_tokens);
}

// Graphs are kept by shape and share their memory, which moves when a larger one comes.
TEST_P(ImageEncoderTest, PicturesOfOtherSizesInBetweenChangeNothing) {
  const VisionPair pair = LoadPair(GetParam());
  Outcomes outcomes;
  auto encoder = MakeEncoder(pair, outcomes, /*cache_bytes=*/0);
  RequestId id = 0;
  for (std::uint32_t i = 0; i < 24; ++i) {
    // More shapes than are kept; each comes back, with another picture, after others.
    const std::uint32_t shape = i * 5 % 12;
    const ImageFile card = Card(56 + 28 * shape, 56 + 28 * (shape / 2), i);
    const VisionPair fresh = LoadPair(GetParam());
    Outcomes alone;
    auto once = MakeEncoder(fresh, alone, /*cache_bytes=*/0);
    const std::vector<float> expected = Embedding(*once, alone, 1, card);
    ASSERT_FALSE(expected.empty());
    EXPECT_EQ(Embedding(*encoder, outcomes, ++id, card), expected) << i;
  }
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
  for (const std::size_t i : {1U, 3U}) infos.push_back(InspectImage(prompt[i].image->bytes(), ImageLimits{}).value());
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
  const std::string root = places::kSources;
  const std::string projector_path = root + "/models/medinfer-tiny-mmproj.gguf";
  VisionPair pair;
  pair.model = testing::LoadTextModel(root + "/models/medinfer-tiny.gguf");
  auto projector = Projector::Load(projector_path, pair.model.get(), {std::make_shared<CpuShare>(1)}, nullptr, nullptr);
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
  limits.max_pixels = 100ULL * 100;
  ImageEncoder encoder(*pair.projector, limits, 0, outcomes.Sink());
  encoder.Enqueue(MakeJob(1, {Image(Card(101, 100))}));
  encoder.Enqueue(MakeJob(2, {Image(Card(100, 100))}));
  EXPECT_EQ(outcomes.Bad(1).code(), Code::kImageTooLarge);
  outcomes.Good(2);
  encoder.Enqueue(MakeJob(3, {Image(Card(100, 100))}));
  EXPECT_EQ(outcomes.Good(3).n_images_cached, 0U);  // no cache
  EXPECT_EQ(encoder.stats().cache_bytes, 0U);
}

TEST(ImageEncoderCacheTest, NothingIsCachedWithoutACache) {
  const VisionPair pair = LoadPair("llava");
  Outcomes outcomes(/*hold=*/true);
  ImageEncoder encoder(*pair.projector, ImageLimits(), 0, outcomes.Sink());
  encoder.Enqueue(MakeJob(1, {Text("only text")}));
  outcomes.Wait(1);
  const ImageFile card = Card(100, 100);
  encoder.Enqueue(MakeJob(2, {Image(card), Text("and"), Image(ImageData::Copy(card->bytes()))}));
  encoder.Enqueue(MakeJob(3, {Image(card)}));
  outcomes.Release();
  EXPECT_EQ(outcomes.Good(2).n_images_cached, 0U);
  EXPECT_EQ(outcomes.Good(3).n_images_cached, 0U);
  EXPECT_EQ(encoder.stats().cache_hits, 0U);
  EXPECT_EQ(encoder.stats().images_encoded, 1U);  // shared all the same
}

}  // namespace
}  // namespace medinfer
