#include "vision/encoder_pass.h"

#include <algorithm>
#include <new>
#include <optional>
#include <string>
#include <utility>

#include "base/log_capture.h"
#include "device/assertion_guard.h"
#include "mtmd.h"
#include "vision/projector.h"

namespace medinfer {

void EncoderPass::Deleter::operator()(mtmd_batch* batch) const { mtmd_batch_free(batch); }

EncoderPass::EncoderPass(Projector& projector) : projector_(projector), batch_(mtmd_batch_init(projector.context())) {}

EncoderPass::Fit EncoderPass::Add(const std::shared_ptr<Picture>& picture, std::size_t index) {
  constexpr std::int32_t kTooLarge = 2;
  const mtmd_input_chunk& chunk = picture->chunk(index);
  const std::int32_t refusal = mtmd_batch_add_chunk(batch_.get(), &chunk);
  if (refusal == 0) {
    entries_.push_back({picture, index});
    picture->MarkBatched(index, true);
    n_tokens_ += CountTokens(chunk);
    return Fit::kAdded;
  }
  if (entries_.empty()) return Fit::kRefused;
  if (refusal != kTooLarge) return Fit::kOtherShape;
  // Which is also what is said of a second chunk where the model cannot batch at all.
  const bool would_fit = n_tokens_ + CountTokens(chunk) <= Projector::kBatchTokens;
  return entries_.size() == 1 && would_fit ? Fit::kNeverTogether : Fit::kFull;
}

bool EncoderPass::Has(const std::shared_ptr<Picture>& picture) const {
  return std::any_of(entries_.begin(), entries_.end(), [&](const Entry& entry) { return entry.picture == picture; });
}

EncoderPass::Totals EncoderPass::Run() {
  Totals totals;
  if (Encode(batch_.get(), entries_, totals)) return totals;
  for (const Entry& entry : entries_) {
    if (projector_.interrupted()) break;
    if (entries_.size() > 1) {
      const BatchPtr alone(mtmd_batch_init(projector_.context()));
      const bool added = mtmd_batch_add_chunk(alone.get(), &entry.picture->chunk(entry.chunk)) == 0;
      if (added && Encode(alone.get(), {entry}, totals)) continue;
      if (projector_.interrupted()) break;
    }
    entry.picture->Fail(Status(Code::kOutOfMemory,
                               "the image cannot be encoded, most likely for lack of memory: send a smaller one, or "
                               "give the model less of the device's memory"));
  }
  return totals;
}

bool EncoderPass::Encode(mtmd_batch* batch, const std::vector<Entry>& entries, Totals& totals) {
  for (const Entry& entry : entries) entry.picture->MarkBatched(entry.chunk, false);
  const LogCapture log;
  std::int32_t rc = 0;
  projector_.BeginPass();
  const auto begin = std::chrono::steady_clock::now();
  const std::optional<std::string> assertion = Attempt([&] { rc = mtmd_batch_encode(batch); });
  const auto time = std::chrono::steady_clock::now() - begin;
  std::uint32_t n_tokens = 0;
  for (const Entry& entry : entries) n_tokens += CountTokens(entry.picture->chunk(entry.chunk));
  const bool whole = rc == 0 && !assertion && !projector_.interrupted();
  projector_.EndPass(whole ? n_tokens : 0, std::chrono::duration<double, std::milli>(time).count());
  totals.time += time;
  const std::string damage = assertion.value_or(rc == 0 ? std::string() : log.Assertion());
  if (!damage.empty() && !projector_.interrupted()) {
    for (const Entry& entry : entries) entry.picture->Fail(DamagedProjector(damage));
    return true;
  }
  if (rc != 0 || projector_.interrupted()) return false;
  ++totals.passes;
  totals.tokens += n_tokens;
  try {
    std::vector<std::vector<float>> outputs;
    for (const Entry& entry : entries) {
      const mtmd_input_chunk& chunk = entry.picture->chunk(entry.chunk);
      const float* values = mtmd_batch_get_output_embd(batch, &chunk);
      outputs.emplace_back(values, values + std::size_t{CountTokens(chunk)} * projector_.width());
    }
    // Not before all outputs are taken: a picture that is done frees its chunks, among which libmtmd looks them up.
    for (std::size_t i = 0; i < entries.size(); ++i) {
      const Entry& entry = entries[i];
      entry.picture->SetEmbedding(entry.chunk, std::move(outputs[i]));
      if (entry.picture->done()) totals.done.push_back(entry.picture);
    }
  } catch (const std::bad_alloc&) {
    for (const Entry& entry : entries) {
      if (!entry.picture->done()) entry.picture->Fail(NoMemoryForImage());
    }
  }
  return true;
}

}  // namespace medinfer
