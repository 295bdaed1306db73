// The thread's loop: take new jobs, prepare some (hash, look up, check, lay out), encode one batch for the oldest job,
// hand out what is done. A batch begins with the oldest job's oldest missing chunk and takes what fits beside it, from
// the same and later jobs, so that no job waits for one that came after it.
#include "vision/image_encoder.h"

#include <algorithm>
#include <chrono>
#include <exception>
#include <list>
#include <new>
#include <optional>
#include <string>
#include <thread>
#include <unordered_map>
#include <utility>

#include "device/assertion_guard.h"
#include "medinfer/mutex.h"
#include "mtmd.h"
#include "vision/embedding_cache.h"
#include "vision/encoder_pass.h"
#include "vision/media_chunks.h"
#include "vision/picture.h"
#include "vision/projector.h"
#include "vision/remembered_images.h"

namespace medinfer {
namespace {

// As in the preprocessors of the Qwen-VL family. Beyond it, those that keep the aspect ratio make pictures of any size.
constexpr std::uint32_t kMaxAspectRatio = 200;

// Preparing hashes and checks files. Later jobs are prepared between passes, so that one with a cached image overtakes
// the others, but a long queue does not delay the first.
constexpr auto kPreparingBudget = std::chrono::milliseconds(10);

// Pictures whose chunks did not fit into a batch; each holds its pixels in memory until its turn.
constexpr int kMaxLookAhead = 4;

struct Job {
  EncodeJob request;
  bool prepared = false;
  std::vector<std::shared_ptr<Picture>> pictures;  // in the order of the prompt
  ChunksPtr layout;
  std::vector<SeenImage> images;
  std::uint32_t n_cached = 0;
  std::uint32_t n_left_out = 0;
  std::optional<Status> failure;

  bool cancelled() const { return request.cancelled != nullptr && request.cancelled->load(); }
};

// Says which of several images an error is about.
Status Numbered(const Status& status, std::size_t index, std::size_t n_images) {
  if (n_images == 1) return status;
  return Status(status.code(),
                "image " + std::to_string(index + 1) + " of " + std::to_string(n_images) + ": " + status.message());
}

}  // namespace

class ImageEncoder::Worker {
 public:
  Worker(Projector& projector, const ImageLimits& limits, std::uint64_t cache_bytes, DoneFn on_done)
      : projector_(projector),
        limits_(limits),
        caches_(cache_bytes > 0),
        cache_(cache_bytes),
        on_done_(std::move(on_done)) {
    projector_.SetInterrupt([this] { return stop_.load() || PassIsUseless(); });
    thread_ = std::thread([this] { Run(); });
  }

  ~Worker() {
    {
      const MutexLock lock(mutex_);
      stop_ = true;
    }
    wake_.NotifyOne();
    thread_.join();
    projector_.SetInterrupt(nullptr);
  }

  void Enqueue(EncodeJob job) {
    ++waiting_;
    {
      const MutexLock lock(mutex_);
      incoming_.push_back(std::move(job));
    }
    wake_.NotifyOne();
  }

  ImageEncoderStats stats() const {
    ImageEncoderStats stats;
    stats.images_encoded = images_encoded_;
    stats.cache_hits = cache_hits_;
    stats.batches = batches_;
    stats.tokens = tokens_;
    stats.pass_ms = static_cast<double>(pass_us_) / 1000;
    stats.cache_bytes = cache_.bytes();
    stats.waiting = waiting_;
    return stats;
  }

 private:
  void Run();
  void Step();
  void TakeIncoming();
  void PrepareSome();
  void Prepare(Job& job);
  Result<std::shared_ptr<Picture>> FindPicture(const PromptPart& part, Job& job);
  Result<ImageInfo> Inspect(const ImageFile& file) const;
  void Settle();
  Result<PreparedPrompt> Join(Job& job);
  void Encode();
  void Fill(EncoderPass& pass);
  bool PassIsUseless() const;
  void Deliver(const Job& job, Result<PreparedPrompt> prompt);

  Projector& projector_;
  const ImageLimits limits_;
  const bool caches_;  // whether images are kept beyond the jobs that wait for them
  EmbeddingCache cache_;
  RememberedImages remembered_;  // encode thread
  const DoneFn on_done_;

  Mutex mutex_;
  ConditionVariable wake_;
  std::vector<EncodeJob> incoming_ MEDINFER_GUARDED_BY(mutex_);
  std::atomic<bool> stop_{false};  // set under mutex_

  std::atomic<std::uint64_t> images_encoded_{0};
  std::atomic<std::uint64_t> cache_hits_{0};
  std::atomic<std::uint64_t> batches_{0};
  std::atomic<std::uint64_t> tokens_{0};
  std::atomic<std::uint64_t> pass_us_{0};
  std::atomic<std::uint32_t> waiting_{0};

  // Of the encode thread.
  std::list<Job> jobs_;  // in order of arrival
  std::unordered_map<ContentHash, std::weak_ptr<Picture>, ContentHashHasher> in_flight_;
  std::vector<std::shared_ptr<const std::atomic<bool>>> pass_serves_;  // `cancelled` of the running pass's jobs
  bool can_batch_ = true;  // until libmtmd refuses a second chunk that would have fitted

  std::thread thread_;  // last: runs as soon as it is constructed
};

void ImageEncoder::Worker::Run() {
  const AssertionGuard guard;
  for (;;) {
    {
      const MutexLock lock(mutex_);
      while (!stop_ && incoming_.empty() && jobs_.empty()) wake_.Wait(mutex_);
    }
    if (stop_) return;
    try {
      Step();
    } catch (const std::bad_alloc&) {  // not even for the bookkeeping
      if (!jobs_.empty()) jobs_.front().failure = NoMemoryForImage();
    } catch (const std::exception& error) {
      if (!jobs_.empty()) jobs_.front().failure = DamagedProjector(error.what());
    }
  }
}

void ImageEncoder::Worker::Step() {
  TakeIncoming();
  PrepareSome();
  Settle();
  if (stop_ || jobs_.empty()) return;
  Encode();
  Settle();
}

void ImageEncoder::Worker::TakeIncoming() {
  std::vector<EncodeJob> incoming;
  {
    const MutexLock lock(mutex_);
    incoming.swap(incoming_);
  }
  for (EncodeJob& request : incoming) {
    jobs_.emplace_back();
    jobs_.back().request = std::move(request);
  }
}

void ImageEncoder::Worker::PrepareSome() {
  const auto begin = std::chrono::steady_clock::now();
  for (Job& job : jobs_) {
    if (job.prepared) continue;
    job.prepared = true;
    try {
      Prepare(job);
    } catch (const std::bad_alloc&) {
      job.failure = NoMemoryForImage();
    } catch (const std::exception& error) {
      job.failure = DamagedProjector(error.what());
    }
    if (stop_ || std::chrono::steady_clock::now() - begin > kPreparingBudget) return;
  }
}

// Leaves the job with a layout and its pictures, or with a failure.
void ImageEncoder::Worker::Prepare(Job& job) {
  const std::vector<PromptPart>& parts = job.request.prompt;
  std::vector<const PromptPart*> images;
  for (const PromptPart& part : parts) {
    if (part.image != nullptr) images.push_back(&part);
  }
  job.images.resize(images.size());
  std::vector<BitmapPtr> placeholders;
  std::vector<ImageInfo> infos;
  const auto lay_out = [&](std::size_t i, std::uint32_t width, std::uint32_t height) {
    job.images[i].width = width;
    job.images[i].height = height;
    placeholders.push_back(MakePlaceholder(width, height, images[i]->limits));
  };
  for (std::size_t i = 0; i < images.size(); ++i) {
    if (stop_ || job.cancelled()) return;
    Status status;
    if (images[i]->limits.given() && !projector_.limits_tokens()) {
      status = {Code::kInvalidArgument, "a projector of the kind " + projector_.Describe().kind +
                                            " gives images tokens by rules of its own: leave minTokens and maxTokens "
                                            "out"};
    } else if (projector_.depends_on_position() || job.request.wanted == EncodeJob::Wanted::kCount) {
      const Result<ImageInfo> info = Inspect(images[i]->image);
      if (info.ok()) {
        infos.push_back(info.value());
        lay_out(i, info.value().width, info.value().height);
      } else {
        status = info.status();
      }
    } else {
      Result<std::shared_ptr<Picture>> picture = FindPicture(*images[i], job);
      if (picture.ok()) {
        lay_out(i, picture.value()->width(), picture.value()->height());
        job.pictures.push_back(std::move(picture.value()));
      } else {
        status = picture.status();
      }
    }
    if (!status.ok()) {
      job.failure = Numbered(status, i, images.size());
      return;
    }
  }
  if (!infos.empty() && job.request.wanted != EncodeJob::Wanted::kCount) {
    job.pictures.push_back(std::make_shared<Picture>(parts, job.request.add_special, infos));
  }
  Result<ChunksPtr> layout = SplitPrompt(projector_.context(), parts, placeholders, job.request.add_special);
  if (!layout.ok()) {
    job.failure = layout.status();
    return;
  }
  job.layout = std::move(layout.value());
  AddSeen(*job.layout, job.images);
  // The pictures hold the files as long as they need them.
  if (infos.empty() && job.n_left_out == 0) job.request.prompt.clear();
}

Result<ImageInfo> ImageEncoder::Worker::Inspect(const ImageFile& file) const {
  Result<ImageInfo> info = InspectImage(file->bytes(), limits_);
  if (!info.ok()) return info;
  const auto [shorter, longer] = std::minmax(info.value().width, info.value().height);
  if (longer / shorter > kMaxAspectRatio) {
    return Status(Code::kImageTooLarge, "the image is " + std::to_string(info.value().width) + " x " +
                                            std::to_string(info.value().height) +
                                            " pixels, a strip that no model can read: crop it to at most " +
                                            std::to_string(kMaxAspectRatio) + " to 1");
  }
  return info;
}

// The cached image, the one that is being encoded for another place or job, or a new one.
Result<std::shared_ptr<Picture>> ImageEncoder::Worker::FindPicture(const PromptPart& part, Job& job) {
  const ContentHash hash = ContentHash::Of(*part.image).With(part.limits);
  // What was left out is counted by who left it out.
  const auto count = [&] {
    ++job.n_cached;
    if (job.request.wanted != EncodeJob::Wanted::kLeftOut) ++cache_hits_;
  };
  if (std::shared_ptr<const EncodedImage> cached = cache_.Find(hash); cached != nullptr) {
    count();
    return std::make_shared<Picture>(hash, std::move(cached));
  }
  std::weak_ptr<Picture>& slot = in_flight_[hash];
  if (std::shared_ptr<Picture> known = slot.lock(); known != nullptr && !known->failure().has_value()) {
    if (caches_) count();  // else the work is shared all the same, but no cache was promised
    return known;
  }
  if (job.request.may_leave_out) {
    if (const std::optional<ImageSize> size = remembered_.Find(hash)) {
      ++job.n_cached;
      ++job.n_left_out;
      return std::make_shared<Picture>(hash, *size);
    }
  }
  const Result<ImageInfo> info = Inspect(part.image);
  if (!info.ok()) {
    in_flight_.erase(hash);
    return info.status();
  }
  auto picture = std::make_shared<Picture>(part.image, hash, info.value(), part.limits);
  slot = picture;
  return picture;
}

// Hands out every job that is cancelled, failed or done.
void ImageEncoder::Worker::Settle() {
  for (auto job = jobs_.begin(); job != jobs_.end() && !stop_;) {
    for (std::size_t i = 0; i < job->pictures.size() && !job->failure.has_value(); ++i) {
      const std::optional<Status>& failure = job->pictures[i]->failure();
      if (failure.has_value()) job->failure = Numbered(*failure, i, job->pictures.size());
    }
    const auto& pictures = job->pictures;
    const bool done = job->layout != nullptr && std::all_of(pictures.begin(), pictures.end(),
                                                            [](const auto& p) { return p->done() || p->left_out(); });
    if (job->cancelled()) {
      Deliver(*job, Status(Code::kAborted, "the request was aborted"));
    } else if (job->failure.has_value()) {
      Deliver(*job, *job->failure);
    } else if (done && job->request.wanted == EncodeJob::Wanted::kCount) {
      PreparedPrompt prompt;
      for (std::size_t i = 0; i < mtmd_input_chunks_size(job->layout.get()); ++i) {
        prompt.n_tokens += CountTokens(*mtmd_input_chunks_get(job->layout.get(), i));
      }
      Deliver(*job, std::move(prompt));
    } else if (done) {
      Deliver(*job, Join(*job));
    } else {
      ++job;
      continue;
    }
    job = jobs_.erase(job);
  }
  std::erase_if(in_flight_, [](const auto& entry) { return entry.second.expired(); });
}

// REQUIRES: all of its pictures are done, or left out.
Result<PreparedPrompt> ImageEncoder::Worker::Join(Job& job) {
  std::vector<EncodedMedia> encoded;
  for (const auto& picture : job.pictures) {
    std::vector<EncodedChunk> chunks;
    if (!picture->left_out()) {
      chunks = picture->result()->chunks;
    } else {
      for (const mtmd_input_chunk* chunk : MediaOf(*job.layout)) {
        if (&picture == &job.pictures[ImageOf(*chunk)]) chunks.push_back({nullptr, CountTokens(*chunk)});
      }
    }
    std::uint32_t first_token = 0;
    for (EncodedChunk& chunk : chunks) {
      EncodedMedia& media = encoded.emplace_back();
      if (picture->hash().has_value()) media.origin = {picture->hash()->digest, first_token};
      first_token += chunk.n_tokens;
      media.chunk = std::move(chunk);
    }
  }
  Result<PreparedPrompt> prompt = JoinPrompt(projector_.context(), *job.layout, encoded,
                                             /*text=*/job.request.wanted == EncodeJob::Wanted::kPrompt);
  if (!prompt.ok()) return prompt;
  prompt.value().n_images = static_cast<std::uint32_t>(job.images.size());
  prompt.value().images = std::move(job.images);
  prompt.value().n_images_cached = job.n_cached;
  prompt.value().n_images_left = job.n_left_out;
  if (job.n_left_out > 0) {
    prompt.value().source = std::make_shared<const std::vector<PromptPart>>(std::move(job.request.prompt));
  }
  return prompt;
}

void ImageEncoder::Worker::Deliver(const Job& job, Result<PreparedPrompt> prompt) {
  --waiting_;
  on_done_({job.request.id, std::move(prompt), job.request.wanted});
}

// One encoder pass. Leaves at least one chunk fewer missing, or a picture failed, or jobs cancelled.
void ImageEncoder::Worker::Encode() {
  EncoderPass pass(projector_);
  Fill(pass);
  if (pass.empty() || stop_) return;
  pass_serves_.clear();
  for (const Job& job : jobs_) {
    const bool served =
        std::any_of(job.pictures.begin(), job.pictures.end(), [&](const auto& p) { return pass.Has(p); });
    if (served) pass_serves_.push_back(job.request.cancelled);
  }
  const EncoderPass::Totals totals = pass.Run();
  tokens_ += totals.tokens;
  batches_ += totals.passes;
  pass_us_ += static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::microseconds>(totals.time).count());
  for (const std::shared_ptr<Picture>& picture : totals.done) {
    ++images_encoded_;
    if (!picture->hash().has_value() || !caches_) continue;
    cache_.Insert(*picture->hash(), picture->result());
    remembered_.Insert(*picture->hash(), {picture->width(), picture->height()});
  }
}

void ImageEncoder::Worker::Fill(EncoderPass& pass) {
  int n_misfits = 0;
  for (const Job& job : jobs_) {
    if (!job.prepared || job.cancelled()) continue;
    for (const std::shared_ptr<Picture>& picture : job.pictures) {
      if (stop_) return;
      if (picture->done() || picture->left_out() || picture->failure().has_value()) continue;
      if (!picture->loaded()) {
        if (!pass.empty() && (!can_batch_ || n_misfits >= kMaxLookAhead)) return;
        picture->Load(projector_);
        if (picture->failure().has_value()) continue;
      }
      bool misfit = false;
      for (const std::size_t chunk : picture->Missing()) {
        const EncoderPass::Fit fit = pass.Add(picture, chunk);
        can_batch_ = can_batch_ && fit != EncoderPass::Fit::kNeverTogether;
        if (fit == EncoderPass::Fit::kFull || fit == EncoderPass::Fit::kNeverTogether) return;
        if (fit == EncoderPass::Fit::kRefused) {
          picture->Fail(Status(Code::kInternal, "the image is refused by the encoder: please report this"));
          break;
        }
        misfit = misfit || fit == EncoderPass::Fit::kOtherShape;
      }
      n_misfits += misfit ? 1 : 0;
    }
  }
}

bool ImageEncoder::Worker::PassIsUseless() const {
  return !pass_serves_.empty() && std::all_of(pass_serves_.begin(), pass_serves_.end(), [](const auto& cancelled) {
    return cancelled != nullptr && cancelled->load();
  });
}

ImageEncoder::ImageEncoder(Projector& projector, const ImageLimits& limits, std::uint64_t cache_bytes, DoneFn on_done)
    : worker_(std::make_unique<Worker>(projector, limits, cache_bytes, std::move(on_done))) {}

ImageEncoder::~ImageEncoder() = default;

void ImageEncoder::Enqueue(EncodeJob job) { worker_->Enqueue(std::move(job)); }

ImageEncoderStats ImageEncoder::stats() const { return worker_->stats(); }

}  // namespace medinfer
