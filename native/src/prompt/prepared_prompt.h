// A prompt that is ready to be decoded: token ids and image embeddings, in the order in which the model reads them.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <variant>
#include <vector>

#include "medinfer/request.h"
#include "medinfer/seen_image.h"

struct mtmd_input_chunk;

namespace medinfer {

// Where embeddings come from: SHA-256 of the image file, and how many tokens of it stand before these. Equal origins
// have equal embeddings.
struct MediaOrigin {
  std::array<std::uint8_t, 32> digest{};
  std::uint32_t first_token = 0;
};

// One image (or one slice of it) as the decoder sees it.
struct MediaChunk {
  // Row-major [n_tokens][n_embd_inp]. Shared with the embedding cache. Null: it was left out (see `source`).
  std::shared_ptr<const std::vector<float>> embedding;
  std::uint32_t n_tokens = 0;
  // Positions by which the sequence advances. Equal to n_tokens, except with M-RoPE, where tokens share positions.
  std::int32_t n_pos = 0;
  // M-RoPE: where each token sits, asked for with mtmd_image_tokens_get_decoder_pos once the position of the first is
  // known (some models' answers are not relative to it). A placeholder: holds no pixels. Null: consecutive positions.
  std::shared_ptr<const mtmd_input_chunk> mrope_layout;
  // Nothing: the embeddings depend on more than the file, and no other chunk has the same.
  std::optional<MediaOrigin> origin;
  // The model attends to all of the chunk's tokens at once: it has to be decoded whole, alone, in one ubatch.
  bool non_causal = false;
};

using TextChunk = std::vector<std::int32_t>;  // token ids
using PromptChunk = std::variant<TextChunk, MediaChunk>;

struct PreparedPrompt {
  std::vector<PromptChunk> chunks;  // no empty chunk; two text chunks never meet
  std::uint32_t n_tokens = 0;       // over all chunks
  std::uint32_t n_media_tokens = 0;
  std::uint32_t n_images = 0;
  std::uint32_t n_images_cached = 0;
  std::vector<SeenImage> images{};  // in order
  // Images that were encoded before may be left without embeddings: none is read where the KV cache has their cells.
  // Where it has not, this is what they are encoded from. Null: all have theirs.
  std::shared_ptr<const std::vector<PromptPart>> source{};
  std::uint32_t n_images_left = 0;  // without
};

}  // namespace medinfer
