// libmtmd's lists of chunks: what an image becomes for the encoder, and where a prompt has its images.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "images/image_codec.h"
#include "medinfer/request.h"
#include "medinfer/status.h"
#include "prompt/prepared_prompt.h"
#include "vision/embedding_cache.h"

struct mtmd_bitmap;
struct mtmd_context;
struct mtmd_input_chunk;
struct mtmd_input_chunks;

namespace medinfer {

struct MediaDeleter {
  void operator()(mtmd_bitmap* bitmap) const;
  void operator()(mtmd_input_chunks* chunks) const;
};
using BitmapPtr = std::unique_ptr<mtmd_bitmap, MediaDeleter>;
using ChunksPtr = std::unique_ptr<mtmd_input_chunks, MediaDeleter>;

// For the encoder.
BitmapPtr MakeBitmap(const Bitmap& bitmap, const ImageTokenLimits& limits);
// Has a size and no pixels: enough for a layout.
BitmapPtr MakePlaceholder(std::uint32_t width, std::uint32_t height, const ImageTokenLimits& limits);

// Splits a prompt into chunks; `bitmaps` are its images in order. A text part without tokens is tokenised by itself.
// Fails with kInvalidArgument (a text beyond 1 GB) or kImageDecode (an image that the model's preprocessor refuses).
// REQUIRES: as many bitmaps as image parts.
Result<ChunksPtr> SplitPrompt(const mtmd_context* context, const std::vector<PromptPart>& parts,
                              const std::vector<BitmapPtr>& bitmaps, bool add_special);

// The chunks to encode, in order. Valid as long as `chunks`.
std::vector<const mtmd_input_chunk*> MediaOf(const mtmd_input_chunks& chunks);

// Adds what the encoder sees of each image of a layout to `images`, which has an entry for each.
void AddSeen(const mtmd_input_chunks& layout, std::vector<SeenImage>& images);

std::uint32_t CountTokens(const mtmd_input_chunk& chunk);

// The place in the prompt of the image that the chunk is of.
std::size_t ImageOf(const mtmd_input_chunk& chunk);

// A piece of an image with what it was made from.
struct EncodedMedia {
  EncodedChunk chunk;
  std::optional<MediaOrigin> origin;
};

// Puts embeddings into their places: `encoded` belongs to the media chunks of `layout`, in order; a null embedding is
// one that was left out. `text`: whether text chunks are wanted. Fails with kInternal where they do not fit.
Result<PreparedPrompt> JoinPrompt(const mtmd_context* context, const mtmd_input_chunks& layout,
                                  const std::vector<EncodedMedia>& encoded, bool text);

}  // namespace medinfer
