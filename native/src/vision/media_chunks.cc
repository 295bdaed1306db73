#include "vision/media_chunks.h"

#include <string>

#include "mtmd.h"

namespace medinfer {
namespace {

// llama.cpp counts bytes in int32.
constexpr std::size_t kMaxTextBytes = 1U << 30U;

BitmapPtr Limited(mtmd_bitmap* bitmap, const ImageTokenLimits& limits) {
  mtmd_bitmap_set_token_limits(bitmap, static_cast<int>(limits.min), static_cast<int>(limits.max));
  return BitmapPtr(bitmap);
}

}  // namespace

void MediaDeleter::operator()(mtmd_bitmap* bitmap) const { mtmd_bitmap_free(bitmap); }
void MediaDeleter::operator()(mtmd_input_chunks* chunks) const { mtmd_input_chunks_free(chunks); }

BitmapPtr MakeBitmap(const Bitmap& bitmap, const ImageTokenLimits& limits) {
  return Limited(mtmd_bitmap_init(bitmap.width, bitmap.height, bitmap.rgb.get()), limits);
}

BitmapPtr MakePlaceholder(std::uint32_t width, std::uint32_t height, const ImageTokenLimits& limits) {
  return Limited(mtmd_bitmap_init(width, height, nullptr), limits);
}

Result<ChunksPtr> SplitPrompt(const mtmd_context* context, const std::vector<PromptPart>& parts,
                              const std::vector<BitmapPtr>& bitmaps, bool add_special) {
  std::vector<mtmd_input_text> texts(parts.size());
  std::vector<mtmd_input_part> inputs(parts.size());
  std::vector<const mtmd_input_part*> pointers(parts.size());
  std::size_t n_images = 0;
  for (std::size_t i = 0; i < parts.size(); ++i) {
    const PromptPart& part = parts[i];
    if (part.image != nullptr) {
      mtmd_bitmap* bitmap = bitmaps[n_images].get();
      mtmd_bitmap_set_id(bitmap, std::to_string(n_images++).c_str());  // see ImageOf
      inputs[i] = {nullptr, bitmap};
    } else {
      if (part.text.size() > kMaxTextBytes) {
        return Status(Code::kInvalidArgument, "a part of the prompt is longer than 1 GB: shorten it");
      }
      texts[i] = {part.text.data(),   part.text.size(),   false,
                  part.parse_special, part.tokens.data(), part.tokens.size()};
      inputs[i] = {&texts[i], nullptr};
    }
    pointers[i] = &inputs[i];
  }
  ChunksPtr chunks(mtmd_input_chunks_init());
  if (mtmd_tokenize_from_parts(context, chunks.get(), pointers.data(), pointers.size(), add_special) != 0) {
    return Status(Code::kImageDecode,
                  "the model's preprocessor refuses an image of this size and shape: scale or crop it");
  }
  return chunks;
}

std::vector<const mtmd_input_chunk*> MediaOf(const mtmd_input_chunks& chunks) {
  std::vector<const mtmd_input_chunk*> media;
  for (std::size_t i = 0; i < mtmd_input_chunks_size(&chunks); ++i) {
    const mtmd_input_chunk* chunk = mtmd_input_chunks_get(&chunks, i);
    if (mtmd_input_chunk_get_type(chunk) != MTMD_INPUT_CHUNK_TYPE_TEXT) media.push_back(chunk);
  }
  return media;
}

void AddSeen(const mtmd_input_chunks& layout, std::vector<SeenImage>& images) {
  for (const mtmd_input_chunk* chunk : MediaOf(layout)) {
    SeenImage& image = images.at(ImageOf(*chunk));
    std::uint32_t width = 0;
    std::uint32_t height = 0;
    image.tiles += static_cast<std::uint32_t>(mtmd_input_chunk_get_picture_size(chunk, &width, &height));
    image.tokens += CountTokens(*chunk);
    if (std::uint64_t{width} * height <= std::uint64_t{image.seen_width} * image.seen_height) continue;
    image.seen_width = width;
    image.seen_height = height;
  }
}

std::size_t ImageOf(const mtmd_input_chunk& chunk) { return std::stoul(mtmd_input_chunk_get_id(&chunk)); }

std::uint32_t CountTokens(const mtmd_input_chunk& chunk) {
  return static_cast<std::uint32_t>(mtmd_input_chunk_get_n_tokens(&chunk));
}

Result<PreparedPrompt> JoinPrompt(const mtmd_context* context, const mtmd_input_chunks& layout,
                                  const std::vector<EncodedMedia>& encoded, bool text) {
  const Status misfit(Code::kInternal, "the image's embedding does not fit the prompt: please report this");
  const bool mrope = mtmd_decode_use_mrope(context);
  PreparedPrompt prompt;
  std::size_t n_media = 0;
  for (std::size_t i = 0; i < mtmd_input_chunks_size(&layout); ++i) {
    const mtmd_input_chunk* chunk = mtmd_input_chunks_get(&layout, i);
    const std::uint32_t n_tokens = CountTokens(*chunk);
    if (mtmd_input_chunk_get_type(chunk) == MTMD_INPUT_CHUNK_TYPE_TEXT) {
      if (!text || n_tokens == 0) continue;
      std::size_t n = 0;
      const llama_token* tokens = mtmd_input_chunk_get_tokens_text(chunk, &n);
      prompt.chunks.emplace_back(TextChunk(tokens, tokens + n));
    } else {
      if (n_media == encoded.size() || encoded[n_media].chunk.n_tokens != n_tokens) return misfit;
      MediaChunk media;
      media.embedding = encoded[n_media].chunk.embedding;
      media.origin = encoded[n_media++].origin;
      media.n_tokens = n_tokens;
      media.n_pos = mtmd_input_chunk_get_n_pos(chunk);
      media.non_causal = mtmd_decode_use_non_causal(context, chunk);
      if (mrope) {
        const std::shared_ptr<mtmd_input_chunk> copy(mtmd_input_chunk_get_placeholder(chunk), mtmd_input_chunk_free);
        media.mrope_layout = copy;
        if (media.mrope_layout == nullptr) return misfit;
      }
      prompt.n_media_tokens += n_tokens;
      prompt.chunks.emplace_back(std::move(media));
    }
    prompt.n_tokens += n_tokens;
  }
  if (n_media != encoded.size()) return misfit;
  return prompt;
}

}  // namespace medinfer
