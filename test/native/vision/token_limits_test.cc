// Limits of tokens for each image, against contexts of libmtmd that were made with these limits for all.
#include <gtest/gtest.h>
#include <mtmd-helper.h>
#include <mtmd.h>

#include <cmath>
#include <string>
#include <vector>

#include "support/encode_jobs.h"
#include "support/vision_models.h"

namespace medinfer {
namespace {

using testing::Card;
using testing::LoadPair;
using testing::MakeEncoder;
using testing::MakeJob;
using testing::Outcomes;
using testing::RandomFile;
using testing::Text;
using testing::VisionPair;

PromptPart Limited(const ImageFile& file, ImageTokenLimits limits) { return {"", true, file, {}, limits}; }

struct Encoding {
  std::vector<float> values;
  std::uint32_t width = 0;  // of what was encoded, in pixels
  std::uint32_t height = 0;
  std::uint32_t tokens = 0;
};

// What a context with these limits makes of an image.
Encoding InContext(const VisionPair& pair, const std::string& file, const ImageFile& image, int min, int max) {
  mtmd_context_params params = mtmd_context_params_default();
  params.use_gpu = false;
  params.warmup = false;
  params.n_threads = 1;
  params.image_min_tokens = min;
  params.image_max_tokens = max;
  const mtmd::context_ptr context(mtmd_init_from_file(file.c_str(), pair.model.get(), params));
  EXPECT_NE(context, nullptr);
  const mtmd::bitmap_ptr bitmap(mtmd_helper_bitmap_init_from_buf(context.get(), image->data(), image->size(), false,
                                                                 mtmd_helper_init_opt_default())
                                    .bitmap);
  mtmd_input_part part{nullptr, bitmap.get()};
  const mtmd_input_part* parts = &part;
  const mtmd::input_chunks_ptr chunks(mtmd_input_chunks_init());
  EXPECT_EQ(mtmd_tokenize_from_parts(context.get(), chunks.get(), &parts, 1, false), 0);
  Encoding encoding;
  for (std::size_t i = 0; i < mtmd_input_chunks_size(chunks.get()); ++i) {
    const mtmd_input_chunk* chunk = mtmd_input_chunks_get(chunks.get(), i);
    if (mtmd_input_chunk_get_type(chunk) != MTMD_INPUT_CHUNK_TYPE_IMAGE) continue;
    EXPECT_EQ(mtmd_encode_chunk(context.get(), chunk), 0);
    const float* values = mtmd_get_output_embd(context.get());
    encoding.tokens = static_cast<std::uint32_t>(mtmd_input_chunk_get_n_tokens(chunk));
    encoding.values.assign(values, values + std::size_t{encoding.tokens} * pair.projector->width());
    mtmd_input_chunk_get_picture_size(chunk, &encoding.width, &encoding.height);
  }
  return encoding;
}

const MediaChunk& MediaAt(const PreparedPrompt& prompt, std::size_t index) {
  for (const PromptChunk& chunk : prompt.chunks) {
    if (const auto* media = std::get_if<MediaChunk>(&chunk); media != nullptr && index-- == 0) return *media;
  }
  throw std::out_of_range("no such image");
}

TEST(TokenLimits, GiveWhatAContextThatIsMadeWithThemGives) {
  const VisionPair pair = LoadPair("qwen2vl");
  const std::string file = RandomFile("qwen2vl-mmproj");
  const std::vector<ImageFile> cards = {Card(300, 333), Card(40, 30, 1), Card(640, 120, 2)};
  const std::vector<ImageTokenLimits> all = {{0, 16}, {64, 0}, {20, 40}, {100, 100}, {0, 200}};
  std::size_t changed = 0;
  for (const ImageTokenLimits& limits : all) {
    std::vector<PromptPart> parts;
    for (const ImageFile& card : cards) {
      parts.push_back(Limited(card, limits));
      parts.push_back(Text("and"));
      parts.push_back(Limited(card, {}));  // beside it, the projector's own
    }
    Outcomes outcomes;
    auto encoder = MakeEncoder(pair, outcomes);
    encoder->Enqueue(MakeJob(1, parts));
    const PreparedPrompt& prompt = outcomes.Good(1);
    ASSERT_EQ(prompt.images.size(), 2 * cards.size());
    for (std::size_t i = 0; i < cards.size(); ++i) {
      for (const bool limited : {true, false}) {
        const int min = limited && limits.min > 0 ? static_cast<int>(limits.min) : -1;
        const int max = limited && limits.max > 0 ? static_cast<int>(limits.max) : -1;
        const Encoding expected = InContext(pair, file, cards[i], min, max);
        const std::size_t at = 2 * i + (limited ? 0 : 1);
        const MediaChunk& media = MediaAt(prompt, at);
        const SeenImage& seen = prompt.images[at];
        ASSERT_EQ(media.n_tokens, expected.tokens);
        EXPECT_EQ(seen.tokens, expected.tokens);
        EXPECT_EQ(seen.seen_width, expected.width);
        EXPECT_EQ(seen.seen_height, expected.height);
        EXPECT_EQ(seen.tiles, 1U);
        double largest = 0;
        for (std::size_t k = 0; k < expected.values.size(); ++k) {
          largest = std::max(largest, std::abs(double{expected.values[k]} - double{(*media.embedding)[k]}));
        }
        EXPECT_LE(largest, 1e-4) << limits.min << " to " << limits.max << ", image " << i;
        if (limited && limits.max >= limits.min + 20) {  // else whole patches may not do for both
          EXPECT_LE(media.n_tokens, limits.max);
        }
      }
      if (prompt.images[2 * i].tokens != prompt.images[2 * i + 1].tokens) ++changed;
    }
  }
  EXPECT_GT(changed, all.size());
}

TEST(TokenLimits, AreAPartOfWhatTheCacheKnowsAnImageBy) {
  const VisionPair pair = LoadPair("qwen2vl");
  Outcomes outcomes;
  auto encoder = MakeEncoder(pair, outcomes);
  const ImageFile card = Card(300, 333);
  RequestId id = 0;
  std::vector<std::uint32_t> tokens;
  for (int round = 0; round < 2; ++round) {
    for (const ImageTokenLimits limits : {ImageTokenLimits{}, {0, 16}, {16, 16}, {0, 60}}) {
      encoder->Enqueue(MakeJob(++id, {Limited(card, limits)}));
      const PreparedPrompt& prompt = outcomes.Good(id);
      EXPECT_EQ(prompt.n_images_cached, static_cast<std::uint32_t>(round));
      if (round == 0) {
        tokens.push_back(prompt.n_media_tokens);
      } else {
        EXPECT_EQ(prompt.n_media_tokens, tokens[id - 5]);
      }
    }
  }
  EXPECT_EQ(encoder->stats().images_encoded, 4U);
  EXPECT_EQ(encoder->stats().cache_hits, 4U);
  // Cells of different limits are never taken for each other.
  const auto digest = [&](RequestId of) { return MediaAt(outcomes.Good(of), 0).origin->digest; };
  EXPECT_EQ(digest(1), digest(5));
  EXPECT_NE(digest(1), digest(2));
  EXPECT_NE(digest(2), digest(3));
  EXPECT_NE(digest(2), digest(4));
}

TEST(TokenLimits, AreRefusedByNameWhereTheProjectorHasRulesOfItsOwn) {
  for (const std::string family : {"llava", "gemma3", "internvl"}) {
    const VisionPair pair = LoadPair(family);
    Outcomes outcomes;
    auto encoder = MakeEncoder(pair, outcomes);
    encoder->Enqueue(MakeJob(1, {Text("a"), Limited(Card(64, 64), {0, 16})}));
    const Status refused = outcomes.Bad(1);
    EXPECT_EQ(refused.code(), Code::kInvalidArgument);
    EXPECT_NE(refused.message().find(pair.projector->Describe().kind), std::string::npos) << refused.message();
    EncodeJob count = MakeJob(2, {Limited(Card(64, 64), {4, 0})});
    count.wanted = EncodeJob::Wanted::kCount;
    encoder->Enqueue(std::move(count));
    EXPECT_EQ(outcomes.Bad(2).code(), Code::kInvalidArgument);
    encoder->Enqueue(MakeJob(3, {Limited(Card(64, 64), {})}));
    const PreparedPrompt& prompt = outcomes.Good(3);
    EXPECT_EQ(prompt.images.at(0).width, 64U);
    EXPECT_EQ(prompt.images.at(0).tokens, prompt.n_media_tokens);
    EXPECT_GT(prompt.images.at(0).seen_width, 0U);
  }
}

TEST(TokenLimits, TilesAreCounted) {
  const VisionPair pair = LoadPair("internvl");
  Outcomes outcomes;
  auto encoder = MakeEncoder(pair, outcomes);
  encoder->Enqueue(MakeJob(1, {Limited(Card(900, 300), {}), Text("and"), Limited(Card(32, 32), {})}));
  const PreparedPrompt& prompt = outcomes.Good(1);
  ASSERT_EQ(prompt.images.size(), 2U);
  EXPECT_GT(prompt.images[0].tiles, 1U);
  EXPECT_GT(prompt.images[0].tokens, prompt.images[1].tokens);
  EXPECT_EQ(prompt.images[0].tokens + prompt.images[1].tokens, prompt.n_media_tokens);
}

}  // namespace
}  // namespace medinfer
