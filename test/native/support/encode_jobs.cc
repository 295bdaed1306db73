#include "support/encode_jobs.h"

#include <gtest/gtest.h>
#include <mtmd-helper.h>
#include <mtmd.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <utility>

#include "support/image_files.h"

namespace medinfer::testing {
namespace {

double LargestDifference(const std::vector<float>& a, const float* b) {
  double largest = 0;
  for (std::size_t i = 0; i < a.size(); ++i) largest = std::max(largest, std::abs(double{a[i]} - double{b[i]}));
  return largest;
}

}  // namespace

ImageFile Share(std::vector<std::uint8_t> bytes) { return ImageData::Copy(bytes); }

ImageFile Card(std::uint32_t width, std::uint32_t height, std::uint32_t seed) {
  return Share(MakeBmp(width, height, [&](std::uint32_t x, std::uint32_t y, std::uint32_t c) {
    return (x * (7 + c) + y * 13 + seed * 101 + (x * y) % 31) & 255U;
  }));
}

PromptPart Text(const std::string& text, bool parse_special) { return {text, parse_special, nullptr}; }
PromptPart Image(ImageFile file) { return {"", true, std::move(file)}; }

EncodeJob MakeJob(RequestId id, std::vector<PromptPart> prompt) {
  EncodeJob job;
  job.id = id;
  job.prompt = std::move(prompt);
  return job;
}

ImageEncoder::DoneFn Outcomes::Sink() {
  return [this](EncodeOutcome outcome) {
    std::unique_lock lock(mutex_);
    order_.push_back(outcome.id);
    EXPECT_TRUE(outcomes_.emplace(outcome.id, std::move(outcome.prompt)).second) << "two outcomes of one job";
    changed_.notify_all();
    changed_.wait(lock, [this] { return !held_; });
  };
}

void Outcomes::Release() {
  const std::lock_guard lock(mutex_);
  held_ = false;
  changed_.notify_all();
}

const Result<PreparedPrompt>& Outcomes::Wait(RequestId id) {
  std::unique_lock lock(mutex_);
  EXPECT_TRUE(changed_.wait_for(lock, std::chrono::minutes(1), [&] { return outcomes_.contains(id); }));
  return outcomes_.at(id);
}

const PreparedPrompt& Outcomes::Good(RequestId id) {
  const Result<PreparedPrompt>& prompt = Wait(id);
  EXPECT_TRUE(prompt.ok()) << (prompt.ok() ? "" : prompt.status().message());
  return prompt.value();
}

Status Outcomes::Bad(RequestId id) {
  const Result<PreparedPrompt>& prompt = Wait(id);
  EXPECT_FALSE(prompt.ok());
  return prompt.ok() ? Status() : prompt.status();
}

std::vector<RequestId> Outcomes::order() {
  const std::lock_guard lock(mutex_);
  return order_;
}

std::vector<float> Embedding(ImageEncoder& encoder, Outcomes& outcomes, RequestId id, const ImageFile& card) {
  EncodeJob job = MakeJob(id, {Image(card)});
  job.wanted = EncodeJob::Wanted::kEmbeddings;
  encoder.Enqueue(std::move(job));
  std::vector<float> values;
  for (const PromptChunk& chunk : outcomes.Good(id).chunks) {
    const auto& floats = *std::get<MediaChunk>(chunk).embedding;
    values.insert(values.end(), floats.begin(), floats.end());
  }
  return values;
}

std::unique_ptr<ImageEncoder> MakeEncoder(const VisionPair& pair, Outcomes& outcomes, std::uint64_t cache_bytes) {
  return std::make_unique<ImageEncoder>(*pair.projector, ImageLimits{}, cache_bytes, outcomes.Sink());
}

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
      texts[i] = {parts[i].text.data(), parts[i].text.size(), false, parts[i].parse_special, nullptr, 0};
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

}  // namespace medinfer::testing
