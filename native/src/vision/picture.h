// One distinct image on its way through the encoder. Used by the encode thread alone.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "images/image_codec.h"
#include "medinfer/request.h"
#include "medinfer/status.h"
#include "vision/embedding_cache.h"
#include "vision/media_chunks.h"
#include "vision/remembered_images.h"

namespace medinfer {

class Projector;

inline Status NoMemoryForImage() {
  return Status(Code::kOutOfMemory, "no memory to encode the image: send a smaller one");
}

// Shared by all jobs that wait for the same image. States: inspected (size known) -> loaded (preprocessed pixels in
// memory) -> done (embeddings); a cached image begins as done; any can fail. One that is left out stays as it is.
class Picture {
 public:
  // What the cache holds.
  Picture(const ContentHash& hash, std::shared_ptr<const EncodedImage> done) : hash_(hash), done_(std::move(done)) {}
  // One that is left out: its place in the prompt is wanted alone.
  Picture(const ContentHash& hash, ImageSize size)
      : infos_{ImageInfo{.width = size.width, .height = size.height}}, hash_(hash), left_out_(true) {}
  // An image to encode by itself.
  Picture(ImageFile file, const ContentHash& hash, const ImageInfo& info, const ImageTokenLimits& limits)
      : files_{std::move(file)}, infos_{info}, hash_(hash), limits_(limits) {}
  // The images of one prompt, for models whose embeddings depend on the place in the prompt. `prompt` has to outlive
  // the picture's loading.
  Picture(const std::vector<PromptPart>& prompt, bool add_special, std::vector<ImageInfo> infos);

  bool done() const { return done_ != nullptr; }
  bool left_out() const { return left_out_; }
  bool loaded() const { return chunks_ != nullptr; }
  const std::optional<Status>& failure() const { return failure_; }
  const std::shared_ptr<const EncodedImage>& result() const { return done_; }  // null until done()
  // Of the file and the limits, under which the result may be kept; nothing for a whole prompt's.
  const std::optional<ContentHash>& hash() const { return hash_; }
  std::uint32_t width() const { return done_ != nullptr ? done_->width : infos_.front().width; }
  std::uint32_t height() const { return done_ != nullptr ? done_->height : infos_.front().height; }

  // Decodes and preprocesses; frees the file's bytes. Fails into failure().
  void Load(const Projector& projector);

  // Indices of the chunks that are neither encoded nor in a batch. REQUIRES: loaded().
  std::vector<std::size_t> Missing() const;
  const mtmd_input_chunk& chunk(std::size_t index) const { return *media_[index]; }
  void MarkBatched(std::size_t index, bool batched) { batched_[index] = batched; }
  // With the last one the picture is done, and its pixels are freed.
  void SetEmbedding(std::size_t index, std::vector<float> values);
  void Fail(Status status) { failure_ = std::move(status); }

 private:
  Status LoadChunks(const Projector& projector);
  Result<BitmapPtr> Decode(std::size_t index);

  std::vector<ImageFile> files_;
  std::vector<ImageInfo> infos_;
  std::optional<ContentHash> hash_;
  ImageTokenLimits limits_;
  bool left_out_ = false;
  const std::vector<PromptPart>* prompt_ = nullptr;
  bool add_special_ = false;

  ChunksPtr chunks_;
  std::vector<const mtmd_input_chunk*> media_;  // in chunks_
  std::vector<bool> batched_;
  std::vector<EncodedChunk> encoded_;
  std::size_t n_left_ = 0;

  std::shared_ptr<const EncodedImage> done_;
  std::optional<Status> failure_;
};

}  // namespace medinfer
