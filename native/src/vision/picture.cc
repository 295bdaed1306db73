#include "vision/picture.h"

#include <exception>
#include <new>
#include <utility>

#include "vision/projector.h"

namespace medinfer {

Picture::Picture(const std::vector<PromptPart>& prompt, bool add_special, std::vector<ImageInfo> infos)
    : infos_(std::move(infos)), prompt_(&prompt), add_special_(add_special) {
  for (const PromptPart& part : prompt) {
    if (part.image != nullptr) files_.push_back(part.image);
  }
}

Result<BitmapPtr> Picture::Decode(std::size_t index) {
  Result<Bitmap> bitmap = DecodePixels(files_[index]->bytes(), infos_[index]);
  if (!bitmap.ok()) return bitmap.status();
  files_[index].reset();
  return MakeBitmap(bitmap.value(), limits_);
}

void Picture::Load(const Projector& projector) {
  try {
    if (Status status = LoadChunks(projector); !status.ok()) Fail(std::move(status));
  } catch (const std::bad_alloc&) {
    Fail(NoMemoryForImage());
  } catch (const std::exception& error) {
    Fail(DamagedProjector(error.what()));
  }
}

Status Picture::LoadChunks(const Projector& projector) {
  std::vector<BitmapPtr> bitmaps;
  for (std::size_t i = 0; i < files_.size(); ++i) {
    Result<BitmapPtr> bitmap = Decode(i);
    if (!bitmap.ok()) return bitmap.status();
    bitmaps.push_back(std::move(bitmap.value()));
  }
  // Stands for the image in a prompt of nothing else; what it shows is in `bitmaps`.
  static const std::vector<PromptPart> alone = {{"", true, ImageData::Copy({})}};
  Result<ChunksPtr> chunks =
      SplitPrompt(projector.context(), prompt_ != nullptr ? *prompt_ : alone, bitmaps, add_special_);
  if (!chunks.ok()) return chunks.status();
  chunks_ = std::move(chunks.value());
  media_ = MediaOf(*chunks_);
  n_left_ = media_.size();
  batched_.assign(n_left_, false);
  encoded_.resize(n_left_);
  if (n_left_ == 0) return Status(Code::kImageDecode, "the model makes nothing of an image of this size: scale it up");
  return {};
}

std::vector<std::size_t> Picture::Missing() const {
  std::vector<std::size_t> missing;
  for (std::size_t i = 0; i < encoded_.size(); ++i) {
    if (encoded_[i].embedding == nullptr && !batched_[i]) missing.push_back(i);
  }
  return missing;
}

void Picture::SetEmbedding(std::size_t index, std::vector<float> values) {
  encoded_[index].n_tokens = CountTokens(*media_[index]);
  encoded_[index].embedding = std::make_shared<const std::vector<float>>(std::move(values));
  if (--n_left_ > 0) return;
  auto image = std::make_shared<EncodedImage>();
  image->width = width();
  image->height = height();
  image->chunks = std::move(encoded_);
  done_ = std::move(image);
  media_.clear();
  chunks_.reset();
}

}  // namespace medinfer
