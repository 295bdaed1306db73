#include "prompt/prompt_cursor.h"

#include <gtest/gtest.h>

#include <memory>
#include <utility>
#include <vector>

namespace medinfer {
namespace {

// Text of `before` tokens, an image of 4, text of `behind`.
PromptCursor Cursor(std::size_t before, std::size_t behind) {
  PreparedPrompt prompt;
  const auto add = [&](PromptChunk chunk, std::size_t tokens) {
    if (tokens > 0) prompt.chunks.push_back(std::move(chunk));
    prompt.n_tokens += static_cast<std::uint32_t>(tokens);
  };
  add(TextChunk(before, 7), before);
  MediaChunk media;
  media.n_tokens = 4;
  media.n_pos = 4;
  add(media, 4);
  add(TextChunk(behind, 8), behind);
  return PromptCursor(std::move(prompt));
}

TEST(PromptCursor, WantsTheLogitsOfItsLastTokenAlone) {
  PromptCursor cursor = Cursor(5, 6);
  EXPECT_FALSE(cursor.wants_logits());
  EXPECT_EQ(cursor.LogitsOf(5), 0U);
  cursor.Skip(9);
  EXPECT_EQ(cursor.LogitsOf(5), 0U);
  EXPECT_EQ(cursor.LogitsOf(6), 1U);
  EXPECT_EQ(cursor.UsableMatch(15, 1), 14U);
}

TEST(PromptCursor, WantsThoseOfAllTextsAndOfAnImagesEnd) {
  PromptCursor cursor = Cursor(5, 6);
  cursor.WantLogits();
  EXPECT_EQ(cursor.UsableMatch(15, 1), 0U);
  EXPECT_EQ(cursor.LogitsOf(3), 3U);
  cursor.TakeLogits(3);
  cursor.Advance(3);
  EXPECT_EQ(cursor.logits_from(), 3U);
  EXPECT_EQ(cursor.UsableMatch(15, 1), 3U);
  EXPECT_EQ(cursor.LogitsOf(2), 2U);
  cursor.TakeLogits(2);
  cursor.Advance(2);
  EXPECT_EQ(cursor.TextBehind()->size(), 6U);
  EXPECT_EQ(cursor.LogitsOf(3), 0U);
  EXPECT_EQ(cursor.LogitsOf(4), 1U);
  cursor.Advance(3);
  EXPECT_EQ(cursor.LogitsOf(1), 1U);
  cursor.TakeLogits(1);
  cursor.Advance(1);
  EXPECT_EQ(cursor.LogitsOf(6), 6U);
  EXPECT_TRUE(cursor.wants_logits());
  cursor.TakeLogits(6);
  EXPECT_FALSE(cursor.wants_logits());
  EXPECT_EQ(cursor.UsableMatch(15, 1), 14U);
}

// A sequence that was preempted goes on where it was.
TEST(PromptCursor, WantsNoneAgainThatWereTaken) {
  PromptCursor cursor = Cursor(5, 6);
  cursor.WantLogits();
  cursor.TakeLogits(3);
  cursor.Advance(3);
  cursor.Rewind({});
  EXPECT_EQ(cursor.LogitsOf(3), 0U);
  EXPECT_EQ(cursor.LogitsOf(4), 1U);
  EXPECT_EQ(cursor.LogitsOf(5), 2U);
  EXPECT_EQ(cursor.UsableMatch(5, 1), 3U);
  EXPECT_EQ(cursor.UsableMatch(5, 2), 2U);
}

TEST(PromptCursor, HasNoTextBehindAnImageThatEndsThePrompt) {
  PromptCursor cursor = Cursor(5, 0);
  cursor.WantLogits();
  cursor.Skip(5);
  EXPECT_EQ(cursor.TextBehind(), nullptr);
  EXPECT_EQ(cursor.LogitsOf(4), 1U);
}

TEST(PromptCursor, KnowsUpToWhereImagesWereLeftOutUntilItGetsThem) {
  PromptCursor whole = Cursor(5, 6);
  EXPECT_EQ(whole.n_unreadable(), 0U);
  PreparedPrompt prompt = whole.prompt();
  prompt.source = std::make_shared<const std::vector<PromptPart>>();
  prompt.n_images_left = 1;
  PromptCursor cursor(prompt);
  EXPECT_EQ(cursor.n_unreadable(), 9U);
  const std::vector<std::int32_t> drawn{1, 2};
  cursor.Rewind(drawn);
  EXPECT_EQ(cursor.n_unreadable(), 9U);
  PreparedPrompt images;
  images.chunks.emplace_back(std::get<MediaChunk>(prompt.chunks[1]));
  std::get<MediaChunk>(images.chunks[0]).embedding = std::make_shared<const std::vector<float>>(4, 1.0F);
  cursor.TakeEmbeddings(images);
  EXPECT_EQ(cursor.n_unreadable(), 0U);
  EXPECT_EQ(cursor.prompt().n_images_left, 0U);
  EXPECT_EQ(cursor.n_tokens(), 17U);
  EXPECT_EQ(std::get<MediaChunk>(cursor.prompt().chunks[1]).embedding,
            std::get<MediaChunk>(images.chunks[0]).embedding);
}

}  // namespace
}  // namespace medinfer
